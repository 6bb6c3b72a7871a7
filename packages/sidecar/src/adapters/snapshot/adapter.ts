import type { Adapter, AdapterContext } from '../../adapter/port.js'
import { CommandAdapter } from '../command/adapter.js'
import { targetOf } from '../command/target.js'
import type { Environment } from '../http/environment.js'
import { compileSnapshotContract } from './target.js'

/**
 * A system that is put back to a named snapshot as a whole. What is restored over is saved as a snapshot first, so that a
 * mistaken rollback can be taken back; and a state that is not the one that the action left is a conflict, because the
 * restore would lose what was written since (I6).
 * @throws ContractError when the contract does not fit, naming every key.
 */
export function createSnapshotAdapter(
  context: AdapterContext,
  environment: Environment = process.env,
): Adapter {
  const { contract } = context
  const target = targetOf(contract, compileSnapshotContract(contract, environment))
  return new CommandAdapter('snapshot', context, target, environment)
}
