import { freezePlan, type LedgerEvent } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { fold, ledger, plan, running, step } from '../testing/ledger.js'
import { proposed } from '../testing/log.js'
import { inShort, stallsAt } from '../testing/stall.js'
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

describe('a person', () => {
  test('is called at once when a step parks; the steps behind it are blocked by it, later', () => {
    const state = running(requested, at(5_000, ledger.parked('a')))
    expect(stallsAt(state, 5_000)).toMatchObject([
      {
        kind: 'waiting-for-person',
        severity: 'critical',
        subject: 'a',
        dueAt: 5_000,
        message: 'rollback rb-1: step a is parked, conflict: newer data',
        hint: 'unwind retry, resolve or skip rb-1 a',
      },
    ])
    expect(stallsAt(state, 65_000).slice(1)).toMatchObject([
      {
        kind: 'blocked',
        severity: 'warning',
        subject: 'b',
        blockedBy: ['a'],
        dueAt: 65_000,
        message: 'rollback rb-1: step b is blocked by a; nothing is wrong with b itself',
        hint: 'see to a first',
      },
      { kind: 'blocked', subject: 'c', blockedBy: ['a'] },
    ])
  })

  test('is called to a gate when everything before it has settled', () => {
    const gated = plan([step('a'), step('b', ['a'], { gate: 'before:b' })], {
      gates: [{ gateId: 'before:b', beforeTier: 1, kind: 'human', bakeMs: 0 }],
    })
    const state = running(ledger.requested(gated), at(7_000, ledger.completed('a')))
    expect(stallsAt(state, 7_000)).toMatchObject([
      {
        kind: 'waiting-for-person',
        severity: 'warning',
        subject: 'gate before:b',
        stepId: 'b',
        dueAt: 7_000,
        message: 'rollback rb-1: gate before:b waits for a person to open it before step b',
      },
    ])
    const opened = running(
      ledger.requested(gated),
      at(7_000, ledger.completed('a')),
      at(900_000, ledger.gateOpened('before:b')),
    )
    expect(stallsAt(opened, 959_999)).toEqual([])
    expect(inShort(stallsAt(opened, 960_000))).toEqual(['stuck b'])
  })

  test('is reminded of a pause, and what was held by it has its time afterwards', () => {
    const paused = [requested, at(2_000, ledger.command('pause', chain))]
    expect(stallsAt(running(...paused), 901_999)).toEqual([])
    expect(inShort(stallsAt(running(...paused), 902_000))).toEqual(['waiting-for-person pause'])
    const resumed = running(...paused, at(800_000, ledger.command('resume', chain)))
    expect(stallsAt(resumed, 859_999)).toEqual([])
    expect(inShort(stallsAt(resumed, 860_000))).toEqual(['stuck a'])
  })

  test('is reminded of a tandem group that parked; its other member is blocked by it', () => {
    const pair = plan([step('a', [], { tandem: 't' }), step('b', [], { tandem: 't' })])
    const state = running(ledger.requested(pair), ledger.parked('b'))
    expect(inShort(stallsAt(state, DUE))).toEqual(['waiting-for-person b', 'blocked a by b'])
  })
})

test('a bake is no stall; the time of the step begins when it is over', () => {
  const gated = plan([step('a', [], { gate: 'before:a' })], {
    gates: [{ gateId: 'before:a', beforeTier: 0, kind: 'bake', bakeMs: 300_000 }],
  })
  const state = running(ledger.requested(gated))
  expect(stallsAt(state, DUE + 299_999)).toEqual([])
  expect(inShort(stallsAt(state, DUE + 300_000))).toEqual(['stuck a'])
})

test('a fence that is not reported holds everything, and is told apart from an absent system', () => {
  const fenced = plan([step('a'), step('b')], { barrier: true })
  const state = running(ledger.requested(fenced))
  const facts = { a: { lag: 3 }, b: { members: 0, membersSeenAt: null, announcedAt: null } }
  expect(inShort(stallsAt(state, REQUESTED + 30_000, facts))).toEqual(['absent b', 'not-consumed fence a'])
})

test('actions that no revision names stall the rollback, not the step that waits for them', () => {
  const state = running(requested, at(2_000, ledger.late('a', ['x', 'y'])))
  expect(stallsAt(state, 61_999)).toEqual([])
  expect(stallsAt(state, 62_000)).toMatchObject([
    {
      kind: 'late-action',
      subject: 'late a',
      system: 'a',
      message: 'rollback rb-1: a found 2 actions that no revision names: x, y',
    },
  ])
})

test('a rollback that has nothing left to do, and is not closed, is stuck at closing', () => {
  const state = running(
    requested,
    ledger.completed('a'),
    ledger.completed('b'),
    at(9_000, ledger.completed('c')),
  )
  expect(inShort(stallsAt(state, 68_999))).toEqual([])
  expect(inShort(stallsAt(state, 69_000))).toEqual(['stuck closing'])
})

test('an abort lets what has begun finish, and wants nothing of the rest', () => {
  const state = running(requested, ledger.started('a'), ledger.command('abort', chain))
  expect(inShort(stallsAt(state, DUE))).toEqual(['stuck a'])
})

test('a closed rollback stalls nothing', () => {
  const state = fold(
    requested,
    ledger.completed('a'),
    ledger.completed('b'),
    ledger.completed('c'),
    ledger.closed(),
  )!
  expect(stallsAt(state, 10 ** 12)).toEqual([])
  expect(nextDeadline(state, DEFAULT_STALL_OPTIONS, 0)).toBeNull()
})

test('while an outage of the broker explains the silence, nothing is said', () => {
  const state = running(requested)
  expect(stallsAt(state, DUE, {}, { brokerOutageUntil: DUE + 1 })).toEqual([])
  expect(inShort(stallsAt(state, DUE + 1, {}, { brokerOutageUntil: DUE + 1 }))).toEqual(['stuck a'])
})

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

describe('before the request', () => {
  test('a proposal that nobody plans is stuck', () => {
    const state = fold(proposed())!
    expect(stallsAt(state, 60_899)).toEqual([])
    expect(stallsAt(state, 60_900)).toMatchObject([
      {
        kind: 'stuck',
        subject: 'plan',
        message: 'rollback rb-1: it was proposed, and no coordinator has planned it',
      },
    ])
  })

  test('a plan that waits for approvals waits for a person', () => {
    const asked: LedgerEvent = {
      type: 'ApprovalRequested',
      data: {
        ...proposed().data,
        eventId: 'rb-1/approval-requested/r1',
        revision: 1,
        ...freezePlan(chain),
        required: 2,
        approvers: ['role:approver'],
        because: [],
      },
    }
    const state = fold(proposed(), asked)!
    expect(stallsAt(state, 300_899)).toEqual([])
    expect(stallsAt(state, 300_900)).toMatchObject([
      {
        kind: 'waiting-for-person',
        subject: 'approval r1',
        message: 'rollback rb-1: revision 1 has 0 of 2 approvals',
        hint: 'unwind approve rb-1, or unwind deny rb-1',
      },
    ])
  })
})
