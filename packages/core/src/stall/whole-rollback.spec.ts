import { freezePlan, type LedgerEvent } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { fold, ledger, plan, running, step } from '../testing/ledger.js'
import { proposed } from '../testing/log.js'
import { inShort, stallsAt } from '../testing/stall.js'
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
