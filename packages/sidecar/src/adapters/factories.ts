import type { Adapter, AdapterContext } from '../adapter/port.js'
import { ContractError } from '../adapter/port.js'
import { createHttpAdapter } from './http/index.js'


export type AdapterFactory = (context: AdapterContext) => Adapter

/** Every kind of system that a contract can name in `adapter.kind`. */
export const ADAPTERS: Readonly<Record<string, AdapterFactory>> = {
  http: context => createHttpAdapter(context),

}

/** @throws ContractError when the contract names a kind that this sidecar does not have. */
export function createAdapter(
  context: AdapterContext,
  kinds: Readonly<Record<string, AdapterFactory>> = ADAPTERS,
): Adapter {
  const { kind } = context.contract.adapter
  const factory = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (!factory) {
    const known = Object.keys(kinds).sort().join(', ')
    throw new ContractError(
      `contract ${context.contract.system}: adapter.kind "${kind}" is not known; this sidecar has ${known}`,
    )
  }
  return factory(context)
}
