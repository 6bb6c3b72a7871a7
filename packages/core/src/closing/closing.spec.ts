import { describe, expect, it } from 'vitest'
import { ledger, plan, running, step } from '../testing/ledger.js'
import { closing } from './closing.js'

const two = plan([step('loyalty'), step('payments', ['loyalty'])])
const end = (state: ReturnType<typeof running>, now = 2_000) => {
  const result = closing(state, 'coordinator', now)
  return result.kind === 'close' ? [result.event.endState, ...result.event.remaining] : result.kind
}

describe('the end of a rollback', () => {
  it('does not come while a step is open', () => {
    expect(end(running(ledger.requested(two), ledger.completed('loyalty')))).toBe('open')
    expect(end(running(ledger.requested(two), ledger.completed('loyalty'), ledger.parked('payments')))).toBe(
      'open',
    )
  })

  it('is green only when a probe saw every item of every step restored (I3)', () => {
    const state = running(ledger.requested(two), ledger.completed('loyalty'), ledger.completed('payments'))
    expect(end(state)).toEqual(['RESTORED_VERIFIED'])
  })

  it('counts restored and expected items, and the time to the last outcome', () => {
    const last = ledger.completed('payments', 0, { restored: 3, expected: 3, occurredAt: 1_750 })
    const state = running(ledger.requested(two), ledger.completed('loyalty'), last)
    expect(closing(state, 'coordinator', 2_000)).toMatchObject({
      event: {
        restored: 4,
        expected: 4,
        durationMs: 750,
        eventId: 'rb-1/closed/r1',
        causationId: 'rb-1/payments/completed/0',
      },
    })
  })

  it('is PARTIAL when newer data was kept', () => {
    const kept = ledger.completed('payments', 0, {
      restored: 1,
      expected: 2,
      outcome: 'kept',
      notes: ['stock.qty kept'],
    })
    expect(end(running(ledger.requested(two), ledger.completed('loyalty'), kept))).toEqual([
      'PARTIAL',
      'payments (step payments): 1 of 2 items restored; stock.qty kept',
    ])
  })

  it('is PARTIAL when a step was skipped', () => {
    const skip = ledger.command('skip', two, { stepId: 'payments' })
    expect(
      end(running(ledger.requested(two), ledger.completed('loyalty'), ledger.parked('payments'), skip)),
    ).toEqual(['PARTIAL', 'payments (step payments): skipped by user:ana: because'])
  })

  it('is RESTORED_UNVERIFIED when somebody did a step by hand', () => {
    const manual = ledger.command('resolve', two, { stepId: 'payments', resolution: 'manual' })
    expect(
      end(running(ledger.requested(two), ledger.completed('loyalty'), ledger.parked('payments'), manual)),
    ).toEqual([
      'RESTORED_UNVERIFIED',
      'payments (step payments): done by hand by user:ana, no probe saw it: because',
    ])
  })

  it('is DISCREPANCY_SURFACED when the plan could not undo everything, although all its steps did', () => {
    const surfaced = [
      {
        actionId: 'm:1',
        system: 'mail',
        action: 'mail.sent',
        code: 'irreversible',
        message: 'a mail cannot be unsent',
      } as const,
    ]
    const state = running(
      ledger.requested(plan([step('loyalty')], { surfaced })),
      ledger.completed('loyalty'),
    )
    expect(end(state)).toEqual([
      'DISCREPANCY_SURFACED',
      'mail: mail.sent (m:1) is irreversible: a mail cannot be unsent',
    ])
  })

  it('of a part says that it was a part, also when all of the part is proven', () => {
    const part = plan([step('loyalty')], {
      scope: ['loyalty'],
      selection: { actions: [], resources: ['points/3'] },
    })
    expect(end(running(ledger.requested(part), ledger.completed('loyalty')))).toEqual([
      'RESTORED_VERIFIED',
      'partial rollback, only systems loyalty; resources points/3; everything else was left as it is',
    ])
  })

  it('is PARTIAL when what a part leaves builds on what it undid', () => {
    const left = [
      {
        actionId: 'payments:2',
        system: 'payments',
        action: 'payments.done',
        resource: null,
        because: 'orders:1 caused it',
      },
    ]
    const part = plan([step('orders')], { scope: ['orders'], left })
    expect(end(running(ledger.requested(part), ledger.completed('orders')))).toEqual([
      'PARTIAL',
      'partial rollback, only systems orders; everything else was left as it is',
      'payments: payments.done (payments:2) stays, though orders:1 caused it',
    ])
  })

  it('is ABANDONED after an abort, once nothing is half-way', () => {
    const abort = ledger.command('abort', two)
    expect(end(running(ledger.requested(two), ledger.started('loyalty'), abort))).toBe('open')
    expect(
      end(running(ledger.requested(two), ledger.started('loyalty'), abort, ledger.completed('loyalty'))),
    ).toEqual(['ABANDONED', 'payments (step payments): waiting when the rollback was abandoned'])
  })

  it('ends a revision that was refused too, so that nobody takes it for one that comes after (seed 1017052)', () => {
    const changed = plan([step('loyalty', [], { deadlineMs: 1 })], { revision: 2 })
    const one = plan([step('loyalty')])
    const begun = [ledger.requested(one), ledger.started('loyalty'), ledger.requested(changed)]
    const state = running(...begun, ledger.completed('loyalty'))
    expect(state.plan.revision).toBe(1)
    expect(closing(state, 'coordinator', 2_000)).toMatchObject({ event: { eventId: 'rb-1/closed/r2' } })
  })

  it('of a plan without steps leaves systems time to find actions, and is never green', () => {
    const state = running(ledger.requested(plan([])))
    expect(closing(state, 'coordinator', 5_999)).toEqual({ kind: 'later', at: 6_000 })
    expect(end(state, 6_000)).toEqual([
      'RESTORED_UNVERIFIED',
      'no system holds a recorded action under this correlation ID',
    ])
  })

  it('waits while a system holds actions that no revision names', () => {
    const one = plan([step('loyalty')])
    expect(
      end(running(ledger.requested(one), ledger.completed('loyalty'), ledger.late('orders', ['orders:1']))),
    ).toBe('open')
  })
})
