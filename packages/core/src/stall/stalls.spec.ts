import type { LedgerEvent } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { ledger, plan, running, step } from '../testing/ledger.js'
import { inShort, stallsAt } from '../testing/stall.js'

// All test events occur at 1 s unless they say otherwise; every deadline is 60 s.
const REQUESTED = 1_000
const DUE = REQUESTED + 60_000
const chain = plan([step('a'), step('b', ['a']), step('c', ['b'], { tier: 2 })])
const requested = ledger.requested(chain)

function at<E extends LedgerEvent>(occurredAt: number, event: E): E {
  return { ...event, data: { ...event.data, occurredAt } }
}

describe('a step that is ready', () => {
  const state = running(requested)

  test('stalls nothing before its deadline', () => {
    expect(stallsAt(state, DUE - 1)).toEqual([])
  })

  test('and not read by its sidecar is not consumed', () => {
    expect(stallsAt(state, DUE, { a: { lag: 7 } })).toEqual([
      {
        kind: 'not-consumed',
        severity: 'critical',
        subject: 'a',
        round: 0,
        stepId: 'a',
        system: 'a',
        owner: 'team a (a@example.org)',
        blockedBy: [],
        dueAt: DUE,
        message:
          'rollback rb-1: step a has not started 1m after it was ready (1970-01-01T00:00:01.000Z); the sidecar of a is 7 records behind',
        hint: 'look whether the sidecar of a is up and consumes the ledger',
      },
    ])
  })

  test('and read, but not started, is stuck', () => {
    expect(stallsAt(state, DUE)).toMatchObject([
      {
        kind: 'stuck',
        subject: 'a',
        message:
          'rollback rb-1: step a has not started 1m after it was ready (1970-01-01T00:00:01.000Z), though the sidecar of a has read the ledger',
      },
    ])
  })

  test('without knowledge of its sidecar is not consumed', () => {
    expect(inShort(stallsAt(state, DUE, { a: { lag: null } }))).toEqual(['not-consumed a'])
  })

  test('has its deadline from when the last step before it settled', () => {
    const later = running(requested, at(30_000, ledger.completed('a')))
    expect(stallsAt(later, 89_999)).toEqual([])
    expect(inShort(stallsAt(later, 90_000))).toEqual(['stuck b'])
  })

  test('has its deadline from the revision that added it', () => {
    const second = plan([...chain.steps, step('d')], { revision: 2 })
    const later = running(
      requested,
      ledger.completed('a'),
      ledger.completed('b'),
      ledger.completed('c'),
      at(500_000, ledger.requested(second)),
    )
    expect(stallsAt(later, 559_999)).toEqual([])
    expect(inShort(stallsAt(later, 560_000))).toEqual(['stuck d'])
  })
})

describe('a step that has begun', () => {
  test('and has no outcome is stuck', () => {
    const state = running(requested, at(2_000, ledger.started('a')))
    expect(stallsAt(state, DUE - 1)).toEqual([])
    expect(stallsAt(state, DUE)).toMatchObject([
      {
        kind: 'stuck',
        message:
          'rollback rb-1: step a has not settled 1m after it was ready (1970-01-01T00:00:01.000Z): attempt 1 began at 1970-01-01T00:00:02.000Z and has no outcome',
      },
    ])
  })

  test('and retries past its deadline is stuck, however often it tries', () => {
    const state = running(
      requested,
      ledger.started('a'),
      ledger.failed('a', 1, 40_000),
      at(40_000, ledger.started('a', 2)),
      at(40_100, ledger.failed('a', 2, 90_000)),
    )
    expect(stallsAt(state, DUE)[0]?.message).toBe(
      'rollback rb-1: step a has not settled 1m after it was ready (1970-01-01T00:00:01.000Z): attempt 2 failed (transient), the next one begins at 1970-01-01T00:01:30.000Z',
    )
  })

  test('and whose sidecar is gone is absent, not stuck', () => {
    const state = running(requested, ledger.started('a'))
    expect(stallsAt(state, DUE, { a: { members: 0, membersSeenAt: 5_000 } })).toMatchObject([
      {
        kind: 'absent',
        subject: 'a',
        message:
          'rollback rb-1: no sidecar acts for a, so step a cannot run; one was last seen at 1970-01-01T00:00:05.000Z',
      },
    ])
  })

  test('again, after a person opened a new round, has a new deadline', () => {
    const state = running(
      requested,
      ledger.started('a'),
      ledger.parked('a'),
      at(500_000, ledger.command('retry', chain, { stepId: 'a' })),
      at(501_000, ledger.started('a', 1, 1)),
    )
    expect(inShort(stallsAt(state, 559_999))).toEqual([])
    expect(stallsAt(state, 560_000)).toMatchObject([{ kind: 'stuck', subject: 'a', round: 1 }])
  })
})

describe('a system', () => {
  test('whose sidecar was never seen is absent long before the deadline, also while its step waits for others', () => {
    const state = running(requested)
    const gone = { members: 0, membersSeenAt: null, announcedAt: null }
    expect(stallsAt(state, REQUESTED + 14_999, { b: gone })).toEqual([])
    expect(stallsAt(state, REQUESTED + 15_000, { b: gone })).toMatchObject([
      {
        kind: 'absent',
        severity: 'critical',
        subject: 'b',
        owner: 'team b (b@example.org)',
        dueAt: REQUESTED + 15_000,
        message: 'rollback rb-1: no sidecar acts for b, so step b cannot run; none was ever seen',
        hint: 'start a sidecar for b: unwind sidecar',
      },
    ])
  })

  test('whose sidecar is restarting is not absent', () => {
    const state = running(requested)
    expect(stallsAt(state, 50_000, { a: { members: 0, membersSeenAt: 36_000 } })).toEqual([])
    expect(inShort(stallsAt(state, 51_000, { a: { members: 0, membersSeenAt: 36_000 } }))).toEqual([
      'absent a',
    ])
  })

  test('that nobody can look at is absent only if it never announced itself', () => {
    const state = running(requested)
    expect(stallsAt(state, 50_000, { a: { members: null, announcedAt: 1 } })).toEqual([])
    expect(inShort(stallsAt(state, 50_000, { a: { members: null, announcedAt: null } }))).toEqual([
      'absent a',
    ])
  })

  test('with two steps is absent once', () => {
    const two = running(ledger.requested(plan([step('a'), step('a', [], { stepId: 'a~2' })])))
    expect(inShort(stallsAt(two, DUE, { a: { members: 0, membersSeenAt: null } }))).toEqual(['absent a'])
  })
})

test('while an outage of the broker explains the silence, nothing is said', () => {
  const state = running(requested)
  expect(stallsAt(state, DUE, {}, { brokerOutageUntil: DUE + 1 })).toEqual([])
  expect(inShort(stallsAt(state, DUE + 1, {}, { brokerOutageUntil: DUE + 1 }))).toEqual(['stuck a'])
})
