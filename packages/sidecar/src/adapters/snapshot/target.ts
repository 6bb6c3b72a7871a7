import type { Contract } from '@unwind/contracts'
import { take } from '../../adapter/taking.js'
import { commandProbeSchema, snapshotAdapterSchema, snapshotUndoSchema } from '../command/options.js'
import { type CompileAction, type Compiled, checkPolicy, checkProbe, compileWith } from '../command/target.js'
import type { Environment } from '../http/environment.js'

/** @returns the compiled target, or every problem at once. */
export function compileSnapshotContract(contract: Contract, environment: Environment): Compiled {
  return compileWith(contract, environment, snapshotAdapterSchema, compileAction)
}

const compileAction: CompileAction = (name, action, problems, say) => {
  const undo = take(snapshotUndoSchema, action.undo, ['actions', name, 'undo'], problems)
  const probe = take(commandProbeSchema, action.probe, ['actions', name, 'probe'], problems)
  if (!undo || !probe) return null
  checkProbe(probe, say)
  const { snapshot, create, restore, expect } = undo
  // A restore takes everything back to the snapshot, also what others wrote since: that must be seen first (I6).
  if (expect.length === 0 && action.onConflict !== 'force')
    say(
      'undo.expect',
      'missing: a restore loses what was written since the action; name what the probe prints while nobody has written, or permit the loss with onConflict: force',
    )
  if (expect.length > 0 && ![...probe.exits.values()].includes('read'))
    say('probe.exits', 'undo.expect compares what the probe prints, so one exit status must mean "read"')
  checkPolicy(action.onConflict, expect.length > 0, say)
  return {
    name,
    undo: { ...restore, expect },
    probe,
    snapshot: { name: snapshot, create },
    onConflict: action.onConflict,
    timeoutMs: action.timeout,
  }
}
