import type { ActionEvent, LedgerEvent } from '@unwind/contracts'
import { eventIds } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { CORRELATION, ledger, plan, step } from '../testing/ledger.js'
import { did, log, proposed } from '../testing/log.js'
import { foldTimeline } from './fold.js'

const chain = plan([step('b'), step('a', ['b'])])

function at<E extends LedgerEvent | ActionEvent>(occurredAt: number, event: E, causationId?: string): E {
  const cause = causationId === undefined ? {} : { causationId }
  return { ...event, data: { ...event.data, occurredAt, ...cause } }
}

const whole = log(
  did('a', 1),
  did('b', 2, { causationId: 'a:1', resource: 'b/17', items: 2 }),
  proposed(),
  at(1_000, ledger.requested(chain), 'rb-1/proposed'),
  at(1_010, ledger.started('b'), eventIds.requested('rb-1', 1)),
  at(1_030, ledger.completed('b'), eventIds.started('rb-1', 'b', 0, 1)),
  at(1_040, ledger.started('a'), eventIds.completed('rb-1', 'b', 0)),
  at(1_070, ledger.completed('a'), eventIds.started('rb-1', 'a', 0, 1)),
  at(1_080, ledger.closed(), eventIds.completed('rb-1', 'a', 0)),
)

describe('the summary of a rollback', () => {
  test('lays what was planned beside what happened', () => {
    expect(foldTimeline(CORRELATION, whole).rollbacks).toEqual([
      {
        rollbackId: 'rb-1',
        phase: 'closed',
        endState: 'RESTORED_VERIFIED',
        end: 'RESTORED_VERIFIED',
        reconciliations: [],
        anomalies: [],
        reason: 'payment failed',
        proposedBy: 'user:ana',
        revision: 1,
        requestedAt: 1_000,
        closedAt: 1_080,
        durationMs: 80,
        restored: 1,
        expected: 1,
        commands: [],
        remaining: [],
        refusals: [],
        openEscalations: [],
        steps: [
          {
            stepId: 'b',
            system: 'b',
            planned: { tier: 0, waitsFor: [], actions: 1 },
            actual: {
              status: 'verified',
              outcome: 'undone',
              place: 1,
              attempts: 1,
              startedAt: 1_010,
              settledAt: 1_030,
              durationMs: 20,
              restored: 1,
              expected: 1,
              inOrder: true,
              fromDigest: null,
              toDigest: null,
            },
          },
          {
            stepId: 'a',
            system: 'a',
            planned: { tier: 1, waitsFor: ['b'], actions: 1 },
            actual: {
              status: 'verified',
              outcome: 'undone',
              place: 2,
              attempts: 1,
              startedAt: 1_040,
              settledAt: 1_070,
              durationMs: 30,
              restored: 1,
              expected: 1,
              inOrder: true,
              fromDigest: null,
              toDigest: null,
            },
          },
        ],
      },
    ])
  })

  test('shows a step that started before what it waits for had settled (I4)', () => {
    const records = log(
      ledger.requested(chain),
      ledger.started('a'),
      ledger.started('b'),
      ledger.completed('b'),
    )
    const [summary] = foldTimeline(CORRELATION, records).rollbacks
    expect(summary?.steps.map(row => [row.stepId, row.actual.place, row.actual.inOrder])).toEqual([
      ['b', 2, true],
      ['a', 1, false],
    ])
  })

  test('counts attempts over all rounds, and what was left to a person', () => {
    const records = log(
      at(1_000, ledger.requested(chain)),
      at(1_100, ledger.started('b')),
      at(1_200, ledger.failed('b', 1, 1_300)),
      at(1_300, ledger.started('b', 2)),
      at(1_400, ledger.parked('b')),
      at(2_000, ledger.command('retry', chain, { stepId: 'b', eventId: 'c-1' })),
      at(2_100, ledger.started('b', 1, 1)),
      at(2_200, ledger.parked('b', 1)),
      at(3_000, ledger.command('skip', chain, { stepId: 'b', eventId: 'c-2', actor: 'user:ben' })),
    )
    const [summary] = foldTimeline(CORRELATION, records).rollbacks
    expect(summary).toMatchObject({
      phase: 'running',
      endState: null,
      restored: 0,
      expected: 2,
      durationMs: 2_000,
    })
    expect(summary?.steps[0]?.actual).toEqual({
      status: 'skipped',
      outcome: 'skipped by user:ben',
      place: 1,
      attempts: 3,
      startedAt: 1_100,
      settledAt: 3_000,
      durationMs: 1_900,
      restored: null,
      expected: null,
      inOrder: true,
      fromDigest: null,
      toDigest: null,
    })
    expect(summary?.steps[1]?.actual).toMatchObject({ status: 'waiting', place: null, inOrder: null })
  })

  test('names what the fold would not take, and alarms that nobody has taken', () => {
    const alarm = (id: string): LedgerEvent => ({
      type: 'EscalationRaised',
      data: {
        ...proposed().data,
        eventId: id,
        escalationId: id,
        kind: 'stuck',
        severity: 'critical',
        stepId: 'b',
        system: 'b',
        owner: null,
        message: 'no outcome',
        hint: 'look',
        dueAt: 1,
      },
    })
    const acknowledged: LedgerEvent = {
      type: 'EscalationAcknowledged',
      data: { ...proposed().data, eventId: 'ack', escalationId: 'one', actor: 'user:ben', reason: 'on it' },
    }
    const records = log(
      proposed(),
      ledger.requested(chain),
      alarm('one'),
      alarm('two'),
      acknowledged,
      alarm('one'),
      ledger.command('retry', chain, { stepId: 'nowhere' }),
    )
    const [summary] = foldTimeline(CORRELATION, records).rollbacks
    expect(summary?.openEscalations).toEqual(['two'])
    expect(summary?.refusals).toEqual(['command-retry: retry by user:ana: the plan has no step nowhere'])
  })

  test('of an ended rollback names no alarm about what it waited for', () => {
    const id = 'rb-1/escalation/waiting-for-person/b/0'
    const data = {
      eventId: id,
      escalationId: id,
      kind: 'waiting-for-person',
      severity: 'critical',
      stepId: 'b',
    }
    const rest = { system: 'b', owner: null, message: 'it is parked', hint: 'look', dueAt: 1 }
    const alarm: LedgerEvent = { type: 'EscalationRaised', data: { ...proposed().data, ...data, ...rest } }
    const parked = [ledger.requested(chain), ledger.parked('b'), alarm]
    expect(foldTimeline(CORRELATION, log(...parked)).rollbacks[0]?.openEscalations).toEqual([id])
    const skipped = [...parked, ledger.command('skip', chain, { stepId: 'b' })]
    expect(foldTimeline(CORRELATION, log(...skipped)).rollbacks[0]?.openEscalations).toEqual([])
    const ended = [...parked, ledger.command('abort', chain), ledger.closed('ABANDONED')]
    expect(foldTimeline(CORRELATION, log(...ended)).rollbacks[0]?.openEscalations).toEqual([])
  })

  test('of a rollback whose request is not in the log says so', () => {
    const [summary] = foldTimeline(CORRELATION, log(ledger.parked('b'))).rollbacks
    expect(summary).toMatchObject({ rollbackId: 'rb-1', phase: 'unknown', endState: null, steps: [] })
  })

  test('comes once a rollback, in the order in which they began', () => {
    const other = proposed({ rollbackId: 'rb-0', eventId: 'rb-0/proposed' })
    const { rollbacks } = foldTimeline(CORRELATION, log(proposed(), other))
    expect(rollbacks.map(r => [r.rollbackId, r.phase])).toEqual([
      ['rb-1', 'proposed'],
      ['rb-0', 'proposed'],
    ])
  })
})
