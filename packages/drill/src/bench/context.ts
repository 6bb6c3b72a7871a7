import type { Contract } from '@unwind/contracts'
import type { AdapterContext } from '@unwind/sidecar'

/** What an adapter gets that runs alone, without a sidecar around it. */
export function benchContext(contract: Contract): AdapterContext {
  const silent = () => undefined
  return {
    contract,
    actionContract: action => contract.actions[action],
    log: { info: silent, warn: silent, error: silent },
    failpoint: async () => undefined,
  }
}
