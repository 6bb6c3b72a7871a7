import { type LedgerEvent, peekHeaders, type TopicNames } from '@unwind/contracts'
import {
  createAuthority,
  createFollower,
  type EventLog,
  type EventOpener,
  type Follower,
  type IncomingRecord,
  type Quarantine,
  type Refused,
  type Signer,
  type Timers,
  type TrustStore,
} from '@unwind/runtime'
import { approverOf } from '../catalogue/approver.js'
import type { LedgerFollowing } from '../escalation/beside-loop.js'

export interface FollowOptions {
  readonly log: EventLog
  readonly topics: TopicNames
  readonly groupId: string
  readonly opener: EventOpener
  readonly trust: Pick<TrustStore, 'verify' | 'verifyBytes'>
  readonly loop: LedgerFollowing
  readonly quarantine: Quarantine
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  refused(code: string): void
  onFatal(error: Error): void
  /** Default: the system's. */
  readonly timers?: Timers
}

/** Copies of refused records that may be on their way at once. */
const MOST_LEAVING = 200

/**
 * Follows the whole ledger. The coordinator verifies every record, acted on or not: it is the one that sets aside and
 * alarms what nobody had the right to write, once for all sidecars that passed it over.
 */
export function followLedger(options: FollowOptions): Follower {
  const { log, topics, groupId, opener, trust, loop, quarantine, logger } = options
  /** Of the record at hand: admitted and handed on one after the other, without a pause between. */
  let approver: Signer | null = null
  const authority = createAuthority(trust)
  /** Refused and on their way to the dead-letter topic. */
  const leaving = new Set<Promise<void>>()
  return createFollower({
    log,
    groupId,
    topics: [topics.rollback],
    logger,
    peek: record => peekHeaders(record.headers),
    wants: () => true,
    open: record => opener.open(record),
    verify: record => trust.verify(record),
    admit(event, signer, record) {
      const refused = authority(event, signer, record)
      if (refused) return refused
      const verified = approverOf(trust, event, record)
      approver = verified?.ok ? verified.signer : null
      return verified?.ok === false ? { code: 'unauthorised', message: verified.message } : null
    },
    onEvent: followed => loop.onEvent(followed, approver ?? undefined),
    onRefused: (record, refused) => setAside(record, refused),
    onLive: ({ partition }) => loop.onLive(partition),
    onReleased: ({ partition }) => loop.onReleased(partition),
    oldestNeeded: ({ partition }) => loop.oldestNeeded(partition),
    onFatal: options.onFatal,
    ...(options.timers ? { timers: options.timers } : {}),
  })

  /** Holds the partition only while too many are on their way: a flood must not hold up what lies behind it. */
  function setAside(record: IncomingRecord, refused: Refused): void | Promise<void> {
    const sent: Promise<void> = quarantined(record, refused).finally(() => leaving.delete(sent))
    leaving.add(sent)
    if (leaving.size >= MOST_LEAVING) return sent
  }

  async function quarantined(record: IncomingRecord, { code, message }: Refused): Promise<void> {
    const { topic, partition, offset, key } = record
    const fields = { topic, partition, offset: String(offset), correlationId: key, code }
    options.refused(code)
    logger.error(fields, `record refused: ${message}`)
    const { type, rollbackId } = peekHeaders(record.headers)
    if (rollbackId !== null)
      loop.onRefused(partition, rollbackId, type ?? ('a record' as LedgerEvent['type'] | 'a record'), message)
    try {
      await quarantine.quarantine(record, code, message)
    } catch (error) {
      // It lies in the ledger for ever; the copy for people is not worth holding up the partition for.
      logger.error({ ...fields, reason: String(error) }, 'a refused record could not be set aside')
    }
  }
}
