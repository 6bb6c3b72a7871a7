import type { LedgerEvent, Plan } from '@unwind/contracts'
import {
  type EventLog,
  type IncomingRecord,
  type ReaderOptions,
  systemTimers,
  type TopicPartition,
} from '@unwind/runtime'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CORRELATION, ledger, plan, ROLLBACK, step } from '../../../core/src/testing/ledger.js'
import type { TrustedRecords } from '../catalogue/trusted-records.js'
import type { Told } from '../reading/ledger-reading.js'
import { ClaimsElsewhere } from './elsewhere.js'

const first = plan([step('orders')])
/** When every record here was written; long after all of them were made. */
const WRITTEN = 100_000
const second = plan(first.steps, { revision: 2 })
const closed = (revision: number): LedgerEvent => ({
  type: 'RollbackClosed',
  data: {
    eventId: `${ROLLBACK}/closed/r${revision}`,
    correlationId: CORRELATION,
    rollbackId: ROLLBACK,
    occurredAt: 1_000,
    emitter: 'coordinator',
    causationId: null,
    endState: 'RESTORED_VERIFIED',
    restored: 1,
    expected: 1,
    durationMs: 0,
    remaining: [],
  },
})

/** Told in their order: "+" for a hold, "-" for a release. */
let told: string[]
let read: (...events: readonly LedgerEvent[]) => Promise<void>

let elsewhere: ClaimsElsewhere
/** Whether this process has the partition. */
let owned: boolean
let paused: TopicPartition[]
/** Times that nothing can be read. */
let away: number
/** What the ledger says below the first offset that is read. */
let before: readonly LedgerEvent[]
let looks: number
/** Of the next record. */
let offset: bigint

beforeEach(async () => {
  told = []
  let deliver: ReaderOptions['onRecords'] = () => {}
  offset = 0n
  before = []
  looks = 0
  owned = false
  paused = []
  away = 0
  elsewhere = new ClaimsElsewhere({
    log: {
      reader: (options: ReaderOptions) => {
        deliver = options.onRecords
        return {
          start: async () => {},
          stop: async () => {},
          pause: (of: readonly TopicPartition[]) => void paused.push(...of),
          resume() {},
        }
      },
    } as unknown as EventLog,
    admin: {
      committed: async () => new Map(),
      offsets: async () => new Map([[0, { start: 0n, end: 0n }]]),
      describeTopics: async () => [{ topic: 'ledger', partitions: 1, config: {} }] as never,
    },
    topic: 'ledger',
    groupId: 'coordinators',
    trusted: {
      take: async (record: { event: LedgerEvent }) => {
        if (away-- > 0) throw new Error('the registry is away')
        return { kind: 'event', event: record.event }
      },
    } as unknown as TrustedRecords,
    claims: {
      hold: ({ revision }: Plan) => told.push(`+r${revision}`),
      release: () => told.push('-'),
      known() {},
    },
    async historyOf() {
      looks++
      return { events: before.map(event => ({ event }) as Told), refused: [] }
    },
    owns: () => owned,
    logger: { warn() {} },
    timers: { ...systemTimers, after: (_ms, run) => systemTimers.after(0, run) },
    onFatal(error) {
      throw error
    },
  })
  await elsewhere.start()
  read = async (...events) => {
    deliver(
      events.map(event => {
        const headers = { ce_type: `unwind.${event.type}.v1` }
        return {
          topic: 'ledger',
          partition: 0,
          offset: offset++,
          timestamp: WRITTEN,
          headers,
          event,
        } as unknown as IncomingRecord
      }),
    )
    await new Promise(resolve => setImmediate(resolve))
  }
})

describe('what other coordinators request and end', () => {
  it('is held from its request to its end', async () => {
    await read(ledger.requested(first), closed(1))
    expect(told).toEqual(['+r1', '-'])
  })

  it('is not held again by a copy of the request, which nobody would ever end (I7, seed 20263672)', async () => {
    await read(ledger.requested(first), closed(1), ledger.requested(first))
    expect(told).toEqual(['+r1', '-'])
  })

  it('is not held by a copy of a request whose end lies below what is read here (I7, seed 1252506)', async () => {
    offset = 40n
    before = [ledger.requested(first), closed(1)]
    await read(ledger.requested(first), ledger.requested(second))
    expect(told).toEqual(['+r2'])
  })

  it('is looked up once for each request that was made before what is read here, and for no other', async () => {
    offset = 40n
    const fresh = ledger.requested(first)
    await read(ledger.requested(second))
    expect(looks).toBe(1)
    const data = { ...fresh.data, occurredAt: WRITTEN + 60_000 }
    await read({ ...fresh, data } as LedgerEvent)
    expect(looks).toBe(1)
    expect(told).toEqual(['+r2', '+r1'])
  })

  it('waits for what cannot be read, and overlooks nothing (I1, seed 94133)', async () => {
    away = 2
    await read(ledger.requested(first), closed(1))
    await vi.waitFor(() => expect(told).toEqual(['+r1', '-']))
  })

  it('is read on when a partition is lost while its end was asked for (I1, seed 99226)', async () => {
    owned = true
    const owning = elsewhere.owned(0)
    owned = false
    elsewhere.lost(0)
    await owning
    expect(paused).toEqual([])
  })

  it('is held again by a revision after the end, until that has ended too', async () => {
    await read(
      ledger.requested(first),
      closed(1),
      ledger.requested(second),
      closed(2),
      ledger.requested(second),
    )
    expect(told).toEqual(['+r1', '-', '+r2', '-'])
  })
})
