import type { UnwindEvent } from '@unwind/contracts'
import {
  type Authority,
  createAuthority,
  type EventOpener,
  type IncomingRecord,
  type OpenedEvent,
  type Signer,
  type TrustStore,
} from '@unwind/runtime'
import { approverOf } from './approver.js'

export interface TrustedEvent {
  readonly event: UnwindEvent
  readonly opened: OpenedEvent
  readonly signer: Signer
  /** Whose key made the approval inside an ApprovalGranted. */
  readonly approver?: Signer
}

export type Trusted =
  | ({ readonly kind: 'event' } & TrustedEvent)
  | { readonly kind: 'refused'; readonly message: string }

/** Opens, verifies and admits raw records of the view, exactly as a follower does with those of the log (I5, I8). */
export class TrustedRecords {
  readonly #authority: Authority

  constructor(
    private readonly opener: EventOpener,
    private readonly trust: Pick<TrustStore, 'verify' | 'verifyBytes'>,
  ) {
    this.#authority = createAuthority(trust)
  }

  /** @throws RegistryUnavailable */
  async take(record: IncomingRecord): Promise<Trusted> {
    const verified = this.trust.verify(record)
    if (!verified.ok) return { kind: 'refused', message: verified.message }
    const opening = this.opener.open(record)
    const opened = opening instanceof Promise ? await opening : opening
    if (opened.kind === 'poison') return { kind: 'refused', message: opened.message }
    const refused = this.#authority(opened.event, verified.signer, record)
    if (refused) return { kind: 'refused', message: refused.message }
    const approver = approverOf(this.trust, opened.event, record)
    if (approver?.ok === false) return { kind: 'refused', message: approver.message }
    const event = { kind: 'event', event: opened.event, opened, signer: verified.signer } as const
    return approver ? { ...event, approver: approver.signer } : event
  }
}
