import type { Briefing, NoticeAction } from '@unwind/core'

/** One message on its way. */
export interface Message extends Briefing {
  /** Unique over all notices, the same in every coordinator and at every attempt. */
  readonly messageId: string
  /** The same for all messages about one alarm: what a channel groups by. */
  readonly dedupKey: string
}

export type Sent =
  | { readonly kind: 'delivered' }
  /** It may work later. `afterMs`: not before, as the channel says. */
  | { readonly kind: 'again'; readonly reason: string; readonly afterMs?: number }
  /** It will never work as it is configured; the reason names what to change. */
  | { readonly kind: 'refused'; readonly reason: string }

/** One way to people. Reasons never hold a secret: no URL beyond the host, no header, no answer's body. */
export interface Channel {
  readonly name: string
  readonly kind: string
  /** Messages on their way at once. */
  readonly parallel: number
  /** Finds an alarm by its de-duplication key: the end of one that it never heard of changes nothing for people. */
  readonly keyed: boolean
  takes(action: NoticeAction): boolean
  /** Never throws for what the channel does. */
  send(message: Message, signal: AbortSignal): Promise<Sent>
  close(): Promise<void>
}
