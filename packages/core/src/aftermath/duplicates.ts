import type { ContractLookup, RecordedAction } from '../planning/input.js'
import { fieldsOf } from './late-actions.js'

/** Several actions that are one business effect, by what the contract declares. */
export interface Duplicate {
  readonly system: string
  readonly action: string
  /** The business key, as people read it: payment="p1". */
  readonly key: string
  readonly actions: readonly RecordedAction[]
}

/** Actions with one business key. An action without all of the key's fields says nothing. */
export function duplicates(
  actions: readonly RecordedAction[],
  contracts: ContractLookup,
): readonly Duplicate[] {
  const groups = new Map<string, RecordedAction[]>()
  const seen = new Set<string>()
  for (const action of actions) {
    const key = businessKey(action, contracts)
    if (key === null || seen.has(action.actionId)) continue
    seen.add(action.actionId)
    const name = `${action.system}\n${action.action}\n${key}`
    groups.set(name, [...(groups.get(name) ?? []), action])
  }
  return [...groups]
    .filter(([, group]) => group.length > 1)
    .map(([name, group]) => {
      const [system, action, key] = name.split('\n') as [string, string, string]
      return { system, action, key, actions: group }
    })
}

function businessKey({ system, action, data }: RecordedAction, contracts: ContractLookup): string | null {
  const declared = contracts.get(system)?.contract.actions
  const names =
    declared !== undefined && Object.hasOwn(declared, action) ? declared[action]?.businessKey : undefined
  const fields = names && fieldsOf(data)
  if (!names || !fields || !names.every(name => Object.hasOwn(fields, name))) return null
  return names.map(name => `${name}=${JSON.stringify(fields[name])}`).join(', ')
}
