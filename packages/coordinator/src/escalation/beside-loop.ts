import type { LedgerLoop } from '../ledger/loop.js'
import type { EscalationDesk } from './desk.js'

/** What follows the ledger. */
export type LedgerFollowing = Pick<
  LedgerLoop,
  'onEvent' | 'onRefused' | 'onLive' | 'onReleased' | 'oldestNeeded'
>

/** The loop, and beside it the desk: both see each event in its order, and the offset waits for both. */
export function besideLoop(loop: LedgerLoop, desk: EscalationDesk): LedgerFollowing {
  return {
    onEvent(followed, approver) {
      loop.onEvent(followed, approver)
      const { event, position } = followed
      const rollbackId = 'rollbackId' in event.data ? event.data.rollbackId : ''
      desk.onEvent(followed, () => loop.originOf(position.partition, rollbackId))
    },
    onRefused: (...refused) => loop.onRefused(...refused),
    onLive(partition) {
      loop.onLive(partition)
      desk.onLive(partition)
    },
    onReleased(partition) {
      loop.onReleased(partition)
      desk.onReleased(partition)
    },
    oldestNeeded(partition) {
      const ours = desk.oldestNeeded(partition)
      const first = loop.oldestNeeded(partition)
      return ours !== null && (first === null || ours < first) ? ours : first
    },
  }
}
