import type { LedgerEvent } from '@unwind/contracts'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ledger, plan, ROLLBACK, step } from '../../../core/src/testing/ledger.js'
import { LoopOverLog } from '../testing/loop.js'

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
/** Of payments, newer data was kept: after any later revision too, not all of it is restored. */
const log: readonly LedgerEvent[] = [
  ledger.requested(first),
  ledger.completed('orders'),
  ledger.completed('payments', 0, { outcome: 'kept', restored: 0 }),
  ledger.closed('PARTIAL'),
  ledger.late('orders', ['orders:2']),
  ledger.requested(second, { steps: snapshot }),
  ledger.completed('orders~2', 0, { system: 'orders' }),
]
const LATE = 4
const REVISION = 5

let over: LoopOverLog
beforeEach(() => {
  over = new LoopOverLog(log.map(event => ({ event })))
})

const ends = () => over.said.filter(event => event.type === 'RollbackClosed').map(event => event.data)
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
    over.takeOver(from)
    await vi.waitFor(() => expect(ends()).toEqual(PARTIAL))
  })

  it('ends so too when the outcome comes while its history is read', async () => {
    let give = () => {}
    const slow = new Promise<void>(resolve => {
      give = resolve
    })
    const whole = over.history
    over.history = async until => {
      await slow
      return whole(until)
    }
    over.read(REVISION, true, REVISION + 1)
    over.read(REVISION + 1, true)
    give()
    await vi.waitFor(() => expect(ends()).toEqual(PARTIAL))
  })

  it('holds the offset at the revision while its history is read', () => {
    over.history = () => new Promise(() => {})
    over.read(REVISION, true)
    expect(over.loop.oldestNeeded(0)).toBe(BigInt(REVISION))
  })
})
