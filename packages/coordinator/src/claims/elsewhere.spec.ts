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
import { ClaimsElsewhere } from './elsewhere.js'

const first = plan([step('orders')])
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

beforeEach(async () => {
  told = []
  let deliver: ReaderOptions['onRecords'] = () => {}
  let offset = 0n
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
