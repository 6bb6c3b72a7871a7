import type { ActionContract, Contract } from './contract.js'
import type { KeyPath } from './yaml-source.js'

/** What a contract promises and cannot hold, beyond its form. */
export interface ContractRemark {
  /** "error": it would fail in a rollback. "warning": it works, and probably not as its owner thinks. */
  readonly level: 'error' | 'warning'
  readonly path: KeyPath
  readonly message: string
}

/** Adapters that read back by themselves what they undid, and refuse a probe of the contract's. */
const READ_BACK_BY_THEMSELVES: ReadonlySet<string> = new Set(['config', 'kafka', 'redis'])

/** Looks at what the parts of a contract mean together; what only an adapter knows, its own check says. */
export function reviewContract(contract: Contract): readonly ContractRemark[] {
  const remarks: ContractRemark[] = []
  const say = (level: ContractRemark['level'], path: KeyPath, message: string) =>
    remarks.push({ level, path, message })
  const { dependsOn, tandem, bypass, deadline } = contract
  if (dependsOn.includes(contract.system))
    say('error', ['dependsOn', dependsOn.indexOf(contract.system)], 'a system cannot be undone after itself')
  for (const [i, name] of dependsOn.entries())
    if (dependsOn.indexOf(name) < i) say('warning', ['dependsOn', i], `${name} is named twice`)
  if (tandem !== undefined && bypass === 'allowed')
    say(
      'warning',
      ['bypass'],
      `a system that may be bypassed leaves its tandem group "${tandem}" half undone; take out one of the two`,
    )
  const actions = Object.entries(contract.actions)
  if (actions.every(([, action]) => action.reversibility === 'irreversible'))
    say(
      'warning',
      ['actions'],
      'every action is irreversible: no rollback with this system can end better than DISCREPANCY_SURFACED',
    )
  const probed = !READ_BACK_BY_THEMSELVES.has(contract.adapter.kind)
  for (const [name, action] of actions) reviewAction(name, action, { deadline, probed }, say)
  return remarks
}

type Say = (level: ContractRemark['level'], path: KeyPath, message: string) => void

function reviewAction(
  name: string,
  action: ActionContract,
  { deadline, probed }: { readonly deadline: number; readonly probed: boolean },
  say: Say,
): void {
  const at = (...rest: string[]) => ['actions', name, ...rest]
  const { retry, timeout } = action
  if (action.reversibility === 'irreversible') {
    if (action.undo !== undefined)
      say(
        'error',
        at('undo'),
        'the action is declared irreversible, so this undo never runs; take it out, or declare the action compensatable',
      )
    if (action.probe !== undefined)
      say('warning', at('probe'), 'the action is declared irreversible, so this probe is never asked')
    return
  }
  if (probed && action.undo !== undefined && action.probe === undefined)
    say('error', at('probe'), 'is missing: an undo that nothing reads back is never taken for done (I3)')
  if (action.reversibility === 'compensatable' && action.description === undefined)
    say(
      'warning',
      at('reversibility'),
      'compensatable means that something else happens instead of an exact undo; say in `description` what people will notice',
    )
  if (retry.initial > retry.max)
    say('error', at('retry', 'initial'), `is longer than retry.max: ${retry.initial} ms > ${retry.max} ms`)
  if (timeout >= deadline)
    say(
      'warning',
      at('timeout'),
      `one call may take ${timeout} ms, and the deadline of the step is ${deadline} ms: it escalates before the call has ended`,
    )
}
