import type { PlannedAction, SurfacedAction } from '@unwind/contracts'
import { byOrder, byText } from './compare.js'
import type { ContractFacts, ContractLookup, RecordedAction } from './input.js'
import { isSelected, type Selection } from './selection.js'

/** What one rollback is to do with the actions of its correlation ID. */
export interface SortedActions {
  /** Every distinct action, first to last. */
  readonly all: readonly RecordedAction[]
  /** Actions to undo by system, first to last. A system without any is not a participant. */
  readonly undoable: ReadonlyMap<string, readonly RecordedAction[]>
  /** What cannot be undone, last to first. */
  readonly surfaced: readonly SurfacedAction[]
}

/** Each action of the scope goes to exactly one place: undone, or said. */
export function sortActions(
  actions: readonly RecordedAction[],
  part: Selection,
  contracts: ContractLookup,
): SortedActions {
  const all = distinct(actions)
  const undoable = new Map<string, RecordedAction[]>()
  const surfaced: SurfacedAction[] = []
  for (const action of all) {
    if (!isSelected(part, action)) continue
    const cannot = whyNot(action, contracts.get(action.system))
    if (cannot) surfaced.push(cannot)
    else {
      const list = undoable.get(action.system)
      if (list) list.push(action)
      else undoable.set(action.system, [action])
    }
  }
  return { all, undoable, surfaced: surfaced.reverse() }
}

/** One action under one ID, the first in the log: a second copy of an ID changes nothing, whatever it says. */
export function distinct(actions: readonly RecordedAction[]): RecordedAction[] {
  const sorted = [...actions].sort(byHistory)
  const seen = new Set<string>()
  return sorted.filter(action => {
    if (seen.has(action.actionId)) return false
    seen.add(action.actionId)
    return true
  })
}

/** Total: even inputs that contradict each other are put into one order, so that the plan does not depend on theirs. */
function byHistory(a: RecordedAction, b: RecordedAction): number {
  return (
    byOrder(a.order, b.order) ||
    byText(a.system, b.system) ||
    byText(a.actionId, b.actionId) ||
    byText(a.action, b.action) ||
    byText(a.data, b.data) ||
    byText(a.resource ?? '', b.resource ?? '') ||
    byText(a.causationId ?? '', b.causationId ?? '')
  )
}

/** @returns why an action cannot be part of a step; null when it can. */
export function whyNot(action: RecordedAction, facts: ContractFacts | undefined): SurfacedAction | null {
  const { actionId, system } = action
  const surfaced = (code: SurfacedAction['code'], message: string) => ({
    actionId,
    system,
    action: action.action,
    code,
    message,
  })
  if (!facts)
    return surfaced('absent', `no contract is published for ${system}: publish one, then roll back again`)
  const { contract } = facts
  const known = Object.hasOwn(contract.actions, action.action) ? contract.actions[action.action] : undefined
  if (!known)
    return surfaced(
      'contract',
      `contract ${system} ${contract.version} does not name ${action.action}: ask ${contract.owner.team} to add it`,
    )
  if (known.reversibility === 'irreversible')
    return surfaced(
      'irreversible',
      `contract ${system} ${contract.version} declares it irreversible: ask ${contract.owner.team} (${contract.owner.contact})`,
    )
  return null
}

/** @param actions first to last. @returns the same as a step lists them: last to first. */
export function toPlanned(actions: readonly RecordedAction[]): PlannedAction[] {
  return actions
    .map(({ actionId, action, resource, data }) => ({ actionId, action, resource, data }))
    .reverse()
}
