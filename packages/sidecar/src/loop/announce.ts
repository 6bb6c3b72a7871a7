import { type ContractEvent, hashText } from '@unwind/contracts'
import type { LoadedContract } from '../sidecar.js'

/**
 * What a sidecar says of itself when it starts: the contract by which it acts, so that the coordinator plans with it, and that it
 * is there, so that silence can be told from absence.
 */
export function announcements(
  loaded: LoadedContract,
  who: { readonly principal: string; readonly instance: string },
  now: number,
): readonly ContractEvent[] {
  const { contract, document, hash } = loaded
  const { system, version } = contract
  const common = { system, occurredAt: now, emitter: who.principal }
  return [
    {
      type: 'ContractPublished',
      data: {
        ...common,
        eventId: `contract/${system}/${version}/${hash.slice(0, 16)}`,
        version,
        hash,
        document,
      },
    },
    {
      type: 'SidecarAnnounced',
      data: {
        ...common,
        eventId: `sidecar/${system}/${hashText(`${who.instance}/${now}`).slice(0, 16)}`,
        instance: who.instance,
        contractVersion: version,
        contractHash: hash,
        adapter: contract.adapter.kind,
      },
    },
  ]
}
