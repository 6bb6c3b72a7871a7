import { type ApprovalGranted, eventIds, type LedgerEvent } from '@unwind/contracts'
import { expect, it, vi } from 'vitest'
import { peopleDecide } from '../../../core/src/testing/coordination.js'
import { CORRELATION, ledger, plan, ROLLBACK, step } from '../../../core/src/testing/ledger.js'
import { act, facts, lookup, planned } from '../../../core/src/testing/planning.js'
import { type LedgerEntry, LoopOverLog } from '../testing/loop.js'

it('a copy of the request of what has ended holds nothing, taken over from between the outcomes', async () => {
  const both = plan([step('orders'), step('payments')])
  const log = [
    ledger.requested(both),
    ledger.completed('orders'),
    ledger.requested(both),
    ledger.completed('payments'),
    ledger.closed(),
  ]
  const over = new LoopOverLog(log.map(event => ({ event })))
  over.takeOver(2)
  await vi.waitFor(() => expect(over.loop.oldestNeeded(0)).toBeNull())
  expect(over.loop.open).toBe(0)
  expect(over.said).toEqual([])
})

it('a restart reads again from what was read back, though others that began behind it came here first', async () => {
  const contracts = lookup(facts('orders'))
  const asked = ledger.requested(planned([act('orders', 1)], contracts))
  const second = planned([act('orders', 1)], contracts, { rollbackId: 'rb-2' })
  const other = ledger.requested(second, { rollbackId: 'rb-2', eventId: eventIds.requested('rb-2', 1) })
  const over = new LoopOverLog([{ event: asked }, { event: other }])
  const history = over.history
  over.history = async until => {
    if (until === 1n) await new Promise(resolve => setTimeout(resolve, 20))
    return history(until)
  }
  over.read(0, true)
  await vi.waitFor(() => expect(over.loop.open).toBe(2))
  expect(over.loop.oldestNeeded(0)).toBe(0n)
})

it('a record that was not taken while its history was read is told of', async () => {
  const contracts = lookup(facts('orders'))
  const over = new LoopOverLog([{ event: ledger.requested(planned([act('orders', 1)], contracts)) }])
  over.read(0, true)
  over.loop.onRefused(0, ROLLBACK, 'GateOpened', 'it is not signed')
  await vi.waitFor(() =>
    expect(over.said).toContainEqual(
      expect.objectContaining({ data: expect.objectContaining({ kind: 'unauthorised' }) }),
    ),
  )
})

it('somebody is told of what waits for a past that cannot be read, once', async () => {
  vi.useFakeTimers()
  try {
    const over = new LoopOverLog([
      { event: ledger.requested(planned([act('orders', 1)], lookup(facts('orders')))) },
    ])
    over.history = () => Promise.reject(new Error('the view is away'))
    over.read(0, true)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(over.said).toEqual([
      expect.objectContaining({
        type: 'EscalationRaised',
        data: expect.objectContaining({
          kind: 'stuck',
          message: `rollback ${ROLLBACK}: it cannot be followed yet: the view is away`,
        }),
      }),
    ])
  } finally {
    vi.useRealTimers()
  }
})

it('a forgery that its history holds is told of when it goes on', async () => {
  const contracts = lookup(facts('orders'))
  const over = new LoopOverLog([{ event: ledger.requested(planned([act('orders', 1)], contracts)) }])
  const history = over.history
  const forgery = { rollbackId: ROLLBACK, claimed: 'GateOpened', message: 'it is not signed' }
  over.history = async until => ({ ...(await history(until)), refused: [forgery] })
  over.read(0, true)
  await vi.waitFor(() => expect(over.said.map(event => event.type)).toContain('EscalationRaised'))
})

it('an approval of what came late counts for whoever takes over and reads it back', async () => {
  const contracts = lookup(facts('orders'))
  const ben = { keyId: 'k', principal: 'user:ben', roles: ['approver'], systems: [] } as const
  const before: LedgerEvent[] = [
    ledger.requested(planned([act('orders', 1)], contracts)),
    ledger.completed('orders'),
    ledger.closed(),
    ledger.late('orders', ['orders:2']),
  ]
  const LATE = 3
  const entries: LedgerEntry[] = before.map(event => ({ event }))
  const asking = new LoopOverLog(entries, { policy: peopleDecide, contracts })
  asking.takeOver(LATE)
  const asked = await vi.waitFor(() => {
    const found = asking.said.find(event => event.type === 'ApprovalRequested')
    if (!found) throw new Error('nobody was asked')
    return found
  })
  entries.push({ event: asked }, { event: grantedBy(ben.principal, asked.data.planHash), approver: ben })

  const over = new LoopOverLog(entries, { policy: peopleDecide, contracts })
  over.takeOver(LATE)
  await vi.waitFor(() =>
    expect(over.said).toContainEqual(
      expect.objectContaining({
        type: 'RollbackRequested',
        data: expect.objectContaining({ revision: 2, planHash: asked.data.planHash }),
      }),
    ),
  )
})

function grantedBy(approver: string, planHash: string): LedgerEvent {
  const approval = { approver, planHash, grantedAt: 1_500, expiresAt: 50_000, keyId: 'k', signature: 's' }
  const data: ApprovalGranted = {
    eventId: eventIds.approvalGranted(ROLLBACK, 2, approver),
    correlationId: CORRELATION,
    rollbackId: ROLLBACK,
    occurredAt: 1_500,
    emitter: approver,
    causationId: null,
    revision: 2,
    approval,
    reason: 'fine',
    roles: [],
    teams: [],
    subject: null,
    breakGlass: false,
  }
  return { type: 'ApprovalGranted', data }
}
