import type { UnwindEvent } from '@unwind/contracts'
import { admits } from '@unwind/core'
import type { EventOpener, IncomingRecord, OpenedEvent, Signer, TrustStore } from '@unwind/runtime'

export interface TrustedEvent {
  readonly event: UnwindEvent
  readonly opened: OpenedEvent
  readonly signer: Signer
}

export type Trusted =
  | ({ readonly kind: 'event' } & TrustedEvent)
  | { readonly kind: 'refused'; readonly message: string }

/** Opens, verifies and admits raw records of the view, exactly as a follower does with those of the log (I5, I8). */
export class TrustedRecords {
  constructor(
    private readonly opener: EventOpener,
    private readonly trust: Pick<TrustStore, 'verify'>,
  ) {}

  /** @throws RegistryUnavailable */
  async take(record: IncomingRecord): Promise<Trusted> {
    const verified = this.trust.verify(record)
    if (!verified.ok) return { kind: 'refused', message: verified.message }
    const opening = this.opener.open(record)
    const opened = opening instanceof Promise ? await opening : opening
    if (opened.kind === 'poison') return { kind: 'refused', message: opened.message }
    const refused = admits(verified.signer, opened.event)
    if (refused) return { kind: 'refused', message: refused.message }
    return { kind: 'event', event: opened.event, opened, signer: verified.signer }
  }
}
