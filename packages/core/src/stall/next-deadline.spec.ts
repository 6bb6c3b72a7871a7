import type { LedgerEvent } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { ledger, plan, running, step } from '../testing/ledger.js'
import { stallsAt } from '../testing/stall.js'
import { toEscalation } from './escalation.js'
import { DEFAULT_STALL_OPTIONS } from './stall.js'
import { nextDeadline } from './stalls.js'

// All test events occur at 1 s unless they say otherwise; every deadline is 60 s.
const REQUESTED = 1_000
const DUE = REQUESTED + 60_000
const chain = plan([step('a'), step('b', ['a']), step('c', ['b'], { tier: 2 })])
const requested = ledger.requested(chain)

function at<E extends LedgerEvent>(occurredAt: number, event: E): E {
  return { ...event, data: { ...event.data, occurredAt } }
}

describe('the next deadline', () => {
  test('is the first moment at which a stall may be said', () => {
    const state = running(requested)
    const after = (moment: number) => nextDeadline(state, DEFAULT_STALL_OPTIONS, moment)
    // Presence, then the step's own deadline, then nothing: whoever waits for it is blocked from one deadline later on.
    expect([after(0), after(16_000), after(DUE), after(DUE + 60_000)]).toEqual([
      16_000,
      DUE,
      DUE + 60_000,
      null,
    ])
  })

  test('is never later than a stall: nothing is overdue between two looks', () => {
    const state = running(requested, at(5_000, ledger.parked('a')))
    for (let now = 0; now < 200_000; now += 500) {
      const next = nextDeadline(state, DEFAULT_STALL_OPTIONS, now)
      const fresh = stallsAt(state, now + 500).filter(s => s.dueAt > now)
      if (fresh.length > 0) expect(next).toBeLessThanOrEqual(now + 500)
    }
  })
})

test('a stall becomes one alarm, whoever raises it when', () => {
  const state = running(requested)
  const [stall] = stallsAt(state, DUE)
  const raised = toEscalation(state, stall!, 'coordinator', DUE + 5)
  expect(raised).toEqual({
    eventId: 'rb-1/escalation/stuck/a/0',
    correlationId: 'order-1',
    rollbackId: 'rb-1',
    occurredAt: DUE + 5,
    emitter: 'coordinator',
    causationId: null,
    escalationId: 'rb-1/escalation/stuck/a/0',
    kind: 'stuck',
    severity: 'critical',
    stepId: 'a',
    system: 'a',
    owner: 'team a (a@example.org)',
    message: stall!.message,
    hint: stall!.hint,
    dueAt: DUE,
  })
  const [again] = stallsAt(state, DUE + 70_000)
  expect(toEscalation(state, again!, 'coordinator-2', DUE + 70_000).eventId).toBe(raised.eventId)
})
