import type { TopicNames, UnwindEvent } from '@unwind/contracts'
import { admits } from '@unwind/core'
import {
  createEventOpener,
  type IncomingRecord,
  openRegistry,
  type RegistryOptions,
  TrustStore,
} from '@unwind/runtime'

/** A record, read and checked. */
export interface Judged {
  readonly record: IncomingRecord
  /** Null: it cannot be read, `problem` says why. */
  readonly event: UnwindEvent | null
  readonly problem: string | null
  /** Whether its signature was checked at all. */
  readonly checked: boolean
  /** Why nobody may act on it; null: a trusted key that may say this signed it, or nothing was checked. */
  readonly distrust: string | null
  /** Principal of the key, when the signature holds. */
  readonly signer: string | null
}

export interface Judge {
  /** Whether there is a trust store to check signatures against. */
  readonly checks: boolean
  judge(record: IncomingRecord): Promise<Judged>
}

/** Reads records as a sidecar would, with the same checks of signature and authority (I5, I8), and only tells. */
export async function createJudge(options: {
  readonly registry: RegistryOptions
  readonly topics: TopicNames
  readonly trustFile: string | null
}): Promise<Judge> {
  const registry = await openRegistry({ ...options.registry, topics: options.topics })
  const opener = createEventOpener({ registry })
  const trust = options.trustFile === null ? null : TrustStore.load(options.trustFile)
  return {
    checks: trust !== null,
    async judge(record) {
      const opened = await opener.open(record)
      const base = { record, checked: trust !== null }
      if (opened.kind === 'poison')
        return { ...base, event: null, problem: opened.message, distrust: opened.message, signer: null }
      const { event } = opened
      const verified = trust?.verify(record)
      if (!verified) return { ...base, event, problem: null, distrust: null, signer: null }
      if (!verified.ok) return { ...base, event, problem: null, distrust: verified.message, signer: null }
      const refusal = admits(verified.signer, event)
      const signer = verified.signer.principal
      return { ...base, event, problem: null, distrust: refusal?.message ?? null, signer }
    },
  }
}
