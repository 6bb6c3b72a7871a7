import { freezePlan, type LedgerEvent } from '@unwind/contracts'
import { describe, expect, test } from 'vitest'
import { toEscalation } from '../stall/escalation.js'
import type { SystemFacts } from '../stall/stall.js'
import { fold, ledger, plan, step } from '../testing/ledger.js'
import { proposed } from '../testing/log.js'
import { stallsAt } from '../testing/stall.js'
import type { RollbackState } from '../unwind/state.js'
import { whyGone } from './gone.js'

const LONG_AFTER = 100_000_000
const chain = plan([step('a'), step('b', ['a'])])
const requested = ledger.requested(chain)
const gated = plan([step('a', [], { gate: 'before:a' })], {
  gates: [{ gateId: 'before:a', beforeTier: 0, kind: 'human', bakeMs: 0 }],
})
const fenced = plan([step('a')], { barrier: true })
const nobody = { a: { members: 0, membersSeenAt: null, announcedAt: null } }

function asked(): LedgerEvent {
  const common = { correlationId: 'order-1', rollbackId: 'rb-1', occurredAt: 1_000, emitter: 'coordinator' }
  return {
    type: 'ApprovalRequested',
    data: {
      ...common,
      eventId: 'rb-1/approval-requested/r1',
      causationId: null,
      revision: 1,
      ...freezePlan(chain),
      required: 1,
      approvers: ['role:approver'],
      validForMs: 1_000,
      because: [],
      policy: 'default',
    } as never,
  }
}

interface Case {
  readonly before: readonly LedgerEvent[]
  readonly systems?: Readonly<Record<string, Partial<SystemFacts>>>
  /** Alarms that are raised long after. */
  readonly alarms: readonly string[]
  /** What ends the first of them, and what is said then. */
  readonly ends: LedgerEvent
  readonly why: string
}

const CASES: Readonly<Record<string, Case>> = {
  'a proposal that nobody planned': {
    before: [proposed()],
    alarms: ['stuck plan'],
    ends: requested,
    why: 'the rollback goes on',
  },
  'a plan that waits for approval': {
    before: [proposed(), asked()],
    alarms: ['waiting-for-person approval r1'],
    ends: requested,
    why: 'the rollback goes on',
  },
  'a step that is stuck, and one behind it': {
    before: [requested],
    alarms: ['stuck a', 'blocked b'],
    ends: ledger.completed('a'),
    why: 'step a is verified',
  },
  'a step that nobody consumed': {
    before: [requested],
    systems: { a: { lag: 7 } },
    alarms: ['not-consumed a', 'blocked b'],
    ends: ledger.started('a'),
    why: 'step a is started',
  },
  'an attempt that began and has no outcome': {
    before: [requested, ledger.started('a')],
    alarms: ['stuck a', 'blocked b'],
    ends: ledger.parked('a'),
    why: 'step a is parked',
  },
  'an absent system': {
    before: [requested],
    systems: nobody,
    alarms: ['absent a', 'blocked b'],
    ends: ledger.completed('a'),
    why: 'step a is verified',
  },
  'an absent system in the middle of an attempt': {
    before: [requested, ledger.started('a')],
    systems: nobody,
    alarms: ['absent a', 'blocked b'],
    ends: ledger.completed('a'),
    why: 'step a is verified',
  },
  'another rollback in the way': {
    before: [proposed(), ledger.waits('rb-0')],
    alarms: ['blocked claim rb-0'],
    ends: ledger.waits('rb-9', 2),
    why: 'the rollback goes on',
  },
  'a parked step': {
    before: [requested, ledger.parked('a')],
    alarms: ['waiting-for-person a', 'blocked b'],
    ends: ledger.command('skip', chain, { stepId: 'a' }),
    why: 'step a is skipped',
  },
  'a gate': {
    before: [ledger.requested(gated)],
    alarms: ['waiting-for-person gate before:a'],
    ends: ledger.gateOpened('before:a'),
    why: 'step a is waiting',
  },
  'a pause': {
    before: [requested, ledger.command('pause', chain)],
    alarms: ['waiting-for-person pause'],
    ends: ledger.command('resume', chain),
    why: 'the rollback goes on',
  },
  'a fence that is not reported': {
    before: [ledger.requested(fenced)],
    alarms: ['stuck fence a'],
    ends: {
      type: 'SystemFenced',
      data: { ...proposed().data, eventId: 'f', system: 'a', revision: 1, fence: 'x' } as never,
    },
    why: 'the rollback goes on',
  },
  'actions that no revision names': {
    before: [requested, ledger.completed('a'), ledger.completed('b'), ledger.late('a', ['x'])],
    alarms: ['late-action late a'],
    ends: ledger.closed('ABANDONED'),
    why: 'the rollback ended ABANDONED',
  },
  'a rollback that nobody closes': {
    before: [requested, ledger.completed('a'), ledger.completed('b')],
    alarms: ['stuck closing'],
    ends: ledger.closed(),
    why: 'the rollback ended RESTORED_VERIFIED',
  },
}

describe('the alarm about', () => {
  test.each(Object.entries(CASES))(
    '%s stands until it is over',
    (_name, { before, systems, alarms, ends, why }) => {
      const state = fold(...before)!
      const found = stallsAt(state, LONG_AFTER, systems)
      // A system that is absent may be told about besides.
      const names = found.map(stall => `${stall.kind} ${stall.subject}`)
      expect(names).toEqual(alarms)
      const raised = found.map(stall => toEscalation(state, stall, 'coordinator', LONG_AFTER))
      for (const each of raised) expect(whyGone(each, state), each.escalationId).toBeNull()
      expect(whyGone(raised[0]!, fold(...before, ends)!)).toBe(why)
    },
  )

  test('a parked step is over when it is tried again; that it parks again is another one', () => {
    const parked = [requested, ledger.parked('a')]
    const [stall] = stallsAt(fold(...parked)!, LONG_AFTER)
    const raised = toEscalation(fold(...parked)!, stall!, 'coordinator', LONG_AFTER)
    const again = [...parked, ledger.command('retry', chain, { stepId: 'a' }), ledger.parked('a', 1)]
    expect(whyGone(raised, fold(...again)!)).toBe('step a is parked')
  })

  test('the same rollback in the way again, after another one, is another alarm', () => {
    const waits = [proposed(), ledger.waits('rb-0')]
    const again = [...waits, ledger.waits('rb-9', 2), ledger.waits('rb-0', 3)]
    const [first, second] = [waits, again].map(events => {
      const state = fold(...events)!
      return toEscalation(state, stallsAt(state, LONG_AFTER)[0]!, 'coordinator', LONG_AFTER)
    })
    expect(second!.escalationId).toBe('rb-1/escalation/blocked/claim rb-0/2')
    expect(whyGone(first!, fold(...again)!)).toBe('the rollback goes on')
    expect(whyGone(second!, fold(...again)!)).toBeNull()
  })

  test('what stalls after an end is another one, and what stalled before is over', () => {
    const parked = [requested, ledger.parked('a')]
    const ended = [...parked, ledger.closed('ABANDONED')]
    const again = [...ended, ledger.requested(plan([...chain.steps, step('c')], { revision: 2 }))]
    const raisedIn = (state: RollbackState) => {
      const stall = stallsAt(state, LONG_AFTER).find(({ subject }) => subject === 'a')
      return toEscalation(state, stall!, 'coordinator', LONG_AFTER)
    }
    const [before, after] = [raisedIn(fold(...parked)!), raisedIn(fold(...again)!)]
    expect(before.escalationId).toBe('rb-1/escalation/waiting-for-person/a/0')
    expect(after.escalationId).toBe('rb-1/escalation/waiting-for-person/a/0/r2')
    expect(whyGone(before, fold(...again)!)).toBe('the rollback ended, and revision 2 opened it again')
    expect(whyGone(after, fold(...again)!)).toBeNull()
  })

  test('a stuck step is not over because of a pause', () => {
    const state = fold(requested)!
    const [stall] = stallsAt(state, LONG_AFTER)
    const raised = toEscalation(state, stall!, 'coordinator', LONG_AFTER)
    expect(whyGone(raised, fold(requested, ledger.command('pause', chain))!)).toBeNull()
  })

  test('what nobody had the right to write is over only when somebody says so', () => {
    const id = 'rb-1/escalation/unauthorised/RollbackRequested/0'
    const [stall] = stallsAt(fold(requested)!, LONG_AFTER)
    const raised = { ...toEscalation(fold(requested)!, stall!, 'coordinator', 1), kind: 'unauthorised' }
    const ended = fold(requested, ledger.completed('a'), ledger.completed('b'), ledger.closed())!
    expect(whyGone({ ...raised, escalationId: id }, ended)).toBeNull()
  })
})
