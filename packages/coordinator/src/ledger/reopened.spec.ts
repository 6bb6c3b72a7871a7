import type { LedgerEvent, Recorded, RollbackClosed } from '@unwind/contracts'
import { DEFAULT_STALL_OPTIONS, defaultPolicy } from '@unwind/core'
import type { Followed, Signer } from '@unwind/runtime'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CORRELATION, ledger, plan, ROLLBACK, step } from '../../../core/src/testing/ledger.js'
import { LedgerLoop } from './loop.js'

const SIGNER: Signer = { keyId: 'key', principal: 'test', roles: [], systems: [] }
const first = plan([step('orders'), step('payments')])
const late = step('orders', [], {
  stepId: 'orders~2',
  actions: [{ actionId: 'orders:2', action: 'orders.done', resource: null, data: '{}' }],
})
const second = plan([...first.steps, late], { revision: 2 })
const snapshot = [
  { stepId: 'orders', status: 'verified', round: 0 },
  { stepId: 'payments', status: 'verified', round: 0 },
]
const closed: LedgerEvent = {
  type: 'RollbackClosed',
  data: {
    eventId: `${ROLLBACK}/closed/r1`,
    correlationId: CORRELATION,
    rollbackId: ROLLBACK,
    occurredAt: 1_000,
    emitter: 'coordinator',
    causationId: null,
    endState: 'PARTIAL',
    restored: 1,
    expected: 2,
    durationMs: 0,
    remaining: [],
  },
}
/** Of payments, newer data was kept: after any later revision too, not all of it is restored. */
const log: readonly LedgerEvent[] = [
  ledger.requested(first),
  ledger.completed('orders'),
  ledger.completed('payments', 0, { outcome: 'kept', restored: 0 }),
  closed,
  ledger.late('orders', ['orders:2']),
  ledger.requested(second, { steps: snapshot }),
  ledger.completed('orders~2', 0, { system: 'orders' }),
]
const LATE = 4
const REVISION = 5

let history: (until: bigint) => Promise<readonly Recorded<LedgerEvent>[]>
let ends: RollbackClosed[]
let loop: LedgerLoop

beforeEach(() => {
  history = async until => log.map(at).slice(0, Number(until))
  ends = []
  loop = new LedgerLoop({
    me: {
      principal: 'coordinator',
      keyId: 'key',
      policy: defaultPolicy(),
      stall: DEFAULT_STALL_OPTIONS,
    },
    contracts: () => new Map(),
    isLive: () => true,
    send: async event => {
      if (event.type === 'RollbackClosed') ends.push(event.data)
    },
    actionsOf: () => Promise.reject(new Error('nobody asks for them')),
    factsOf: () => new Promise(() => {}),
    historyOf: (_correlationId, until) => history(until),
    logger: { info() {}, warn() {}, error() {} },
    metrics: { event() {}, emitted() {}, planned() {} },
    now: () => 2_000,
  })
})

function at(event: LedgerEvent, offset: number): Recorded<LedgerEvent> {
  return { event, position: { topic: 'unwind.rollback', partition: 0, offset: BigInt(offset) } }
}

function read(from: number, live: boolean, to = log.length): void {
  log.slice(from, to).forEach((event, i) => {
    const followed: Followed = { ...at(event, from + i), live, signer: SIGNER, traceparent: null }
    loop.onEvent(followed)
  })
}

const PARTIAL = [
  expect.objectContaining({
    eventId: `${ROLLBACK}/closed/r2`,
    endState: 'PARTIAL',
    restored: 2,
    expected: 3,
  }),
]

describe('a rollback that a revision opens again, in a coordinator that no longer held it', () => {
  it.each([
    ['the finding', LATE],
    ['the revision', REVISION],
  ])('ends as little restored as before, read again from %s', async (_, from) => {
    read(from, false)
    loop.onLive(0)
    await vi.waitFor(() => expect(ends).toEqual(PARTIAL))
  })

  it('ends so too when the outcome comes while its history is read', async () => {
    let give = () => {}
    const slow = new Promise<void>(resolve => {
      give = resolve
    })
    const whole = history
    history = async until => {
      await slow
      return whole(until)
    }
    read(REVISION, true, REVISION + 1)
    read(REVISION + 1, true)
    give()
    await vi.waitFor(() => expect(ends).toEqual(PARTIAL))
  })

  it('holds the offset at the revision while its history is read', () => {
    history = () => new Promise(() => {})
    read(REVISION, true)
    expect(loop.oldestNeeded(0)).toBe(BigInt(REVISION))
  })
})
