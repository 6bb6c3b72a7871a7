import type { ContractLookup, RecordedAction } from './input.js'

/** system → systems that acted before it, so that it is undone before them. */
export type Precedence = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Systems that caused an action of this one, directly.
 * @param known systems of further actions (action ID → system) that can be a cause.
 */
export function observedCauses(
  actions: readonly RecordedAction[],
  known: Iterable<readonly [string, string]> = [],
): Map<string, Set<string>> {
  const systemOf = new Map<string, string>(known)
  for (const action of actions) systemOf.set(action.actionId, action.system)
  const causes = new Map<string, Set<string>>()
  for (const action of actions) {
    const cause = action.causationId === null ? undefined : systemOf.get(action.causationId)
    if (cause === undefined || cause === action.system) continue
    const found = causes.get(action.system)
    if (found) found.add(cause)
    else causes.set(action.system, new Set([cause]))
  }
  return causes
}

/**
 * Who acted before whom among the participants: what contracts declare, united with what was seen. Runs through
 * systems that do not take part, so that leaving one out (scope, nothing to undo) does not change the others' order.
 *
 * @param observed null: declarations alone.
 */
export function precedence(
  participants: Iterable<string>,
  contracts: ContractLookup,
  observed: ReadonlyMap<string, ReadonlySet<string>> | null,
): Precedence {
  const taking = new Set(participants)
  const result = new Map<string, Set<string>>()
  for (const system of taking) {
    const before = new Set<string>()
    const passed = new Set<string>([system])
    const open = [system]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const earlier of directlyBefore(at, contracts, observed)) {
        if (passed.has(earlier)) continue
        passed.add(earlier)
        if (taking.has(earlier)) before.add(earlier)
        else open.push(earlier)
      }
    }
    result.set(system, before)
  }
  return result
}

const NONE: ReadonlySet<string> = new Set()

function* directlyBefore(
  system: string,
  contracts: ContractLookup,
  observed: ReadonlyMap<string, ReadonlySet<string>> | null,
): Iterable<string> {
  yield* contracts.get(system)?.contract.dependsOn ?? NONE
  if (observed) yield* observed.get(system) ?? NONE
}

/** Waits are the reverse of precedence: who acted before waits until all who acted after it are undone. */
export function waitsOf(before: Precedence): Map<string, Set<string>> {
  const waits = new Map([...before.keys()].map(system => [system, new Set<string>()]))
  for (const [later, earlier] of before) for (const system of earlier) waits.get(system)!.add(later)
  return waits
}
