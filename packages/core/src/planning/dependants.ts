import type { LeftAction } from '@unwind/contracts'
import { byOrder, byText } from './compare.js'
import type { ContractLookup, RecordedAction } from './input.js'
import { precedence } from './precedence.js'

/**
 * Recorded actions outside the part that is undone and that build on it: they stay, so state stays inconsistent where
 * they are. Three ways of building on an action: it caused it (directly or not), it came before it on the same resource
 * of the same system, or the contracts say that the one system depends on the other.
 *
 * @param all every distinct action of the correlation ID, first to last.
 * @param undone IDs of those that the plan undoes.
 */
export function dependantsLeft(
  all: readonly RecordedAction[],
  undone: ReadonlySet<string>,
  contracts: ContractLookup,
): readonly LeftAction[] {
  if (undone.size === 0 || undone.size === all.length) return []
  const touched = new Map<string, RecordedAction>()
  for (const action of all)
    if (undone.has(action.actionId) && action.resource !== null) {
      const place = placeOf(action)
      if (!touched.has(place)) touched.set(place, action)
    }
  const systems = new Set(all.filter(a => undone.has(a.actionId)).map(a => a.system))
  // Seen from each other system alone, so that the way leads through all that lies between.
  const earlier = new Map<string, ReadonlySet<string>>()
  for (const { system } of all)
    if (!earlier.has(system))
      earlier.set(system, precedence([...systems, system], contracts, null).get(system)!)
  const left = new Map<string, LeftAction>()
  const byCause = causedBy(all)
  const open = [...undone].sort(byText)
  for (const action of all) {
    if (undone.has(action.actionId)) continue
    const because = onSameResource(action, touched) ?? dependsOn(action, systems, earlier)
    if (because === null) continue
    left.set(action.actionId, leftAction(action, because))
    open.push(action.actionId)
  }
  // What a dependant caused is one, too.
  const passed = new Set(open)
  for (let cause = open.shift(); cause !== undefined; cause = open.shift())
    for (const action of byCause.get(cause) ?? []) {
      if (!undone.has(action.actionId) && !left.has(action.actionId))
        left.set(action.actionId, leftAction(action, `${cause} caused it`))
      if (!passed.has(action.actionId)) open.push(action.actionId)
      passed.add(action.actionId)
    }
  return all.flatMap(action => left.get(action.actionId) ?? []).reverse()
}

function onSameResource(action: RecordedAction, touched: ReadonlyMap<string, RecordedAction>): string | null {
  const first = action.resource === null ? undefined : touched.get(placeOf(action))
  return first && byOrder(first.order, action.order) < 0
    ? `it came after ${first.actionId} on ${action.resource}`
    : null
}

function dependsOn(
  { system }: RecordedAction,
  systems: ReadonlySet<string>,
  earlier: ReadonlyMap<string, ReadonlySet<string>>,
): string | null {
  if (systems.has(system)) return null
  const on = [...(earlier.get(system) ?? [])].filter(other => systems.has(other)).sort(byText)
  return on.length > 0 ? `${system} depends on ${on.join(', ')}` : null
}

function causedBy(all: readonly RecordedAction[]): ReadonlyMap<string, readonly RecordedAction[]> {
  const found = new Map<string, RecordedAction[]>()
  for (const action of all) {
    if (action.causationId === null) continue
    const list = found.get(action.causationId)
    if (list) list.push(action)
    else found.set(action.causationId, [action])
  }
  return found
}

/** A NUL cannot stand in the name of a system, so two places never share a text. */
function placeOf({ system, resource }: RecordedAction): string {
  return `${system}\0${resource}`
}

function leftAction({ actionId, system, action, resource }: RecordedAction, because: string): LeftAction {
  return { actionId, system, action, resource, because }
}
