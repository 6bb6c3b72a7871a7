import { type Approval, eventIds, freezePlan, type LedgerEvent } from '@unwind/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { policySchema } from '../policy/policy.js'
import { emitted, lines, peopleDecide, Story } from '../testing/coordination.js'
import { CORRELATION, ledger, ROLLBACK } from '../testing/ledger.js'
import { proposed } from '../testing/log.js'
import { act, facts, lookup, planned } from '../testing/planning.js'
import { present } from '../testing/stall.js'
import type { Coordination } from './coordination.js'
import { foldEvent } from './fold.js'

const contracts = lookup(facts('orders'), facts('payments', { dependsOn: ['orders'] }))
const actions = [act('orders', 1), act('payments', 2)]
const basis = { partition: 0, offset: '100' }
const plan = planned(actions, contracts, { basis })
const frozen = freezePlan(plan)
const proposal = proposed({ occurredAt: 9_000, proposedBy: 'service:shop' })

let story: Story
beforeEach(() => {
  story = new Story()
  story.contracts = contracts
})

describe('a proposal under a policy that pre-approves it', () => {
  it('has the actions read first', () => {
    expect(lines(story.reads(proposal))).toEqual(['read-actions', 'wake 69000'])
  })

  it('is answered by one signed request that carries plan and approval', () => {
    story.reads(proposal)
    const commands = story.isGiven(actions)
    expect(lines(commands)).toEqual(['emit RollbackRequested rb-1/requested/r1', 'wake 69000'])
    expect(emitted(commands)[0]).toEqual({
      type: 'RollbackRequested',
      data: {
        eventId: 'rb-1/requested/r1',
        correlationId: CORRELATION,
        rollbackId: ROLLBACK,
        occurredAt: 10_000,
        emitter: 'coordinator:one',
        causationId: proposal.data.eventId,
        revision: 1,
        ...frozen,
        approvals: [
          {
            approver: 'policy:default',
            planHash: frozen.planHash,
            grantedAt: 10_000,
            expiresAt: null,
            keyId: 'key-one',
            signature: '',
          },
        ],
        requestedBy: 'service:shop',
        policy: 'default 1.0.0',
        steps: [],
      },
    })
  })

  it('is answered once, however often it is looked at before the answer comes back', () => {
    story.reads(proposal)
    const answer = emitted(story.isGiven(actions))
    expect(lines(story.takes({ kind: 'tick' }))).toEqual(['wake 69000'])
    expect(lines(story.isGiven(actions))).toEqual(['wake 69000'])
    story.reads(...answer)
    expect(story.state?.rollback.phase).toBe('running')
    expect(emitted(story.isGiven(actions))).toEqual([])
  })

  it('of a part is denied while what builds on it would stay and nobody accepts that', () => {
    story.reads(proposed({ occurredAt: 9_000, systems: ['orders'] }))
    const [denied] = emitted(story.isGiven(actions))
    expect(denied).toMatchObject({
      type: 'ApprovalDenied',
      data: {
        revision: 1,
        approver: 'policy:default',
        reason: expect.stringContaining('payments payments.done (payments depends on orders)'),
      },
    })
    story.reads(denied!)
    expect(story.state).toBeNull()
  })

  it('of a part is planned for that part once what stays is accepted', () => {
    const part = { actions: ['orders:1'], resources: [], acceptsDependants: true }
    story.reads(proposed({ occurredAt: 9_000, part }))
    const [requested] = emitted(story.isGiven(actions))
    const selection = { actions: ['orders:1'], resources: [] }
    const { plan: text } = freezePlan(planned(actions, contracts, { basis, selection }))
    expect(requested).toMatchObject({ type: 'RollbackRequested', data: { plan: text } })
  })

  it('waits in sight while another rollback holds what it would touch, and is planned anew when that has ended', () => {
    story.reads(proposal)
    const [requested] = emitted(story.isGiven(actions))
    if (requested?.type !== 'RollbackRequested') throw new Error('expected a request')
    const by = { rollbackId: 'rb-0', on: 'orders orders/7' }
    const { planHash } = requested.data
    const waiting = story.takes({ kind: 'held', by, planHash })
    expect(lines(waiting)).toEqual(['emit NoteAdded rb-1/waits-for-claim/rb-0', 'wake 69000'])
    expect(lines(story.takes({ kind: 'tick' }))).toEqual(['wake 69000'])
    // What is said once is not said again, and the alarm is about whom it waits for.
    expect(lines(story.reads(...emitted(waiting)))).toEqual(['wake 310000'])
    expect(story.state?.rollback).toMatchObject({
      phase: 'proposed',
      waitsFor: { holder: 'rb-0', since: 10_000 },
    })
    expect(lines(story.takes({ kind: 'freed' }))).toEqual(['read-actions', 'wake 310000'])
    expect(emitted(story.isGiven(actions)).map(e => e.data.eventId)).toEqual(['rb-1/requested/r1'])
  })

  it('is refused instead where the policy says so, with the rollback that came first', () => {
    story.policy = policySchema.parse({ claims: { overlap: 'refuse' } })
    story.reads(proposal)
    story.isGiven(actions)
    const by = { rollbackId: 'rb-0', on: 'orders orders/7' }
    const [denied] = emitted(story.takes({ kind: 'held', by, planHash: frozen.planHash }))
    expect(denied).toMatchObject({
      type: 'ApprovalDenied',
      data: { reason: 'rollback rb-0 came first and holds orders orders/7; propose again when it has ended' },
    })
    story.reads(denied!)
    expect(story.state).toBeNull()
  })

  it('says again that it waits when that could not be made sure', () => {
    story.reads(proposal)
    story.isGiven(actions)
    const held = { kind: 'held', by: { rollbackId: 'rb-0', on: 'x' }, planHash: frozen.planHash } as const
    const [note] = emitted(story.takes(held))
    expect(
      lines(story.takes({ kind: 'not-written', eventId: note!.data.eventId, retryAt: 11_000 })),
    ).toContain('read-actions')
    story.isGiven(actions)
    expect(emitted(story.takes(held))).toEqual([note])
  })

  it('is left to whoever answered first', () => {
    story.reads(proposal)
    story.reads(ledger.requested(planned([act('orders', 1)], contracts)))
    expect(emitted(story.isGiven(actions))).toEqual([])
  })

  it('is planned again when the answer could not be made sure', () => {
    story.reads(proposal)
    story.isGiven(actions)
    const eventId = eventIds.requested(ROLLBACK, 1)
    expect(lines(story.takes({ kind: 'not-written', eventId, retryAt: 11_000 }))).toEqual([
      'wake 11000',
      'read-actions',
      'wake 69000',
    ])
  })

  it('waits, and tells people once, while the actions cannot be read', () => {
    story.reads(proposal)
    const away = {
      kind: 'no-actions',
      message: 'Redis is away',
      hint: 'start Redis',
      retryAt: 11_000,
    } as const
    const commands = story.takes(away)
    expect(lines(commands)).toEqual([
      'emit EscalationRaised rb-1/escalation/stuck/plan/0',
      'wake 11000',
      'wake 69000',
    ])
    expect(emitted(commands)[0]?.data).toMatchObject({
      message: 'rollback rb-1: Redis is away',
      hint: 'start Redis',
    })
    story.now = 11_000
    expect(lines(story.takes({ kind: 'tick' }))).toEqual(['read-actions', 'wake 69000'])
    expect(lines(story.takes({ ...away, retryAt: 12_000 }))).toEqual(['wake 12000', 'wake 69000'])
  })

  it('leaves forged records out of the plan and says so', () => {
    story.reads(proposal)
    const commands = story.isGiven(actions, ['offset 7 is refused: it is not signed'])
    expect(lines(commands)).toEqual([
      'emit EscalationRaised rb-1/escalation/unauthorised/actions/0',
      'emit RollbackRequested rb-1/requested/r1',
      'wake 69000',
    ])
    expect(emitted(commands)[0]?.data).toMatchObject({
      kind: 'unauthorised',
      severity: 'critical',
      message:
        'rollback rb-1: 1 recorded actions of order-1 were left out of the plan: offset 7 is refused: it is not signed',
    })
  })

  it('says nothing while history is read again', () => {
    story.live = false
    expect(story.reads(proposal)).toEqual([])
    story.live = true
    expect(lines(story.takes({ kind: 'tick' }))).toEqual(['read-actions', 'wake 69000'])
  })
})

describe('a proposal that the policy refuses', () => {
  it('ends with a denial in the name of the policy that gives the reasons', () => {
    story.policy = policySchema.parse({ refused: { proposers: ['service:*'] } })
    story.reads(proposal)
    const [denied] = emitted(story.isGiven(actions))
    expect(denied).toMatchObject({
      type: 'ApprovalDenied',
      data: {
        eventId: 'rb-1/denied/r1/policy:default',
        planHash: frozen.planHash,
        approver: 'policy:default',
        reason: 'policy default 1.0.0: refused.proposers has "service:*", and service:shop proposed',
      },
    })
    story.reads(denied!)
    expect(story.state).toBeNull()
  })

  it('ends with a denial too when no plan can be made', () => {
    story.reads(proposal)
    const huge = Array.from({ length: 6_000 }, (_, i) =>
      act('orders', i, { data: JSON.stringify({ k: 'x'.repeat(100) }) }),
    )
    const [denied] = emitted(story.isGiven(huge))
    expect(denied).toMatchObject({
      type: 'ApprovalDenied',
      data: { planHash: '', approver: 'policy:default' },
    })
    story.reads(denied!)
    expect(story.state).toBeNull()
  })
})

describe('a proposal that needs people', () => {
  const ben = { principal: 'user:ben', roles: ['approver'], systems: [] }
  const cleo = { principal: 'user:cleo', roles: ['approver'], systems: [] }
  const approval = (approver: string, over: Partial<Approval> = {}): Approval => ({
    approver,
    planHash: frozen.planHash,
    grantedAt: 10_000,
    expiresAt: 50_000,
    keyId: 'k',
    signature: 's',
    ...over,
  })
  const granted = (given: Approval): LedgerEvent => ({
    type: 'ApprovalGranted',
    data: {
      eventId: eventIds.approvalGranted(ROLLBACK, 1, given.approver),
      correlationId: CORRELATION,
      rollbackId: ROLLBACK,
      occurredAt: 10_000,
      emitter: given.approver,
      causationId: null,
      revision: 1,
      approval: given,
      reason: 'fine',
      roles: [],
      teams: [],
      subject: null,
      breakGlass: false,
    },
  })

  function asked(policy = peopleDecide): LedgerEvent {
    story.policy = policy
    story.reads(proposal)
    const [request] = emitted(story.isGiven(actions))
    story.reads(request!)
    return request!
  }

  it('asks them, with the plan, whom and why', () => {
    expect(asked()).toEqual({
      type: 'ApprovalRequested',
      data: {
        eventId: 'rb-1/approval-requested/r1',
        correlationId: CORRELATION,
        rollbackId: ROLLBACK,
        occurredAt: 10_000,
        emitter: 'coordinator:one',
        causationId: proposal.data.eventId,
        revision: 1,
        ...frozen,
        required: 1,
        approvers: ['role:approver'],
        because: ['policy default 1.0.0: preApproved.maxSteps is 0, the plan has 2'],
      },
    })
  })

  it('is requested with the approval of one of them', () => {
    asked()
    const commands = story.readsApproval(granted(approval('user:ben')), ben)
    expect(lines(commands)[0]).toBe('emit RollbackRequested rb-1/requested/r1')
    expect(emitted(commands)[0]?.data).toMatchObject({
      ...frozen,
      approvals: [approval('user:ben')],
      requestedBy: 'service:shop',
      causationId: 'rb-1/approved/r1/user:ben',
    })
  })

  it('does not count the proposer, a stranger, another plan, or what has expired', () => {
    asked()
    const shop = { principal: 'service:shop', roles: ['approver'], systems: [] }
    const stranger = { principal: 'user:eve', roles: ['client'], systems: [] }
    expect(emitted(story.readsApproval(granted(approval('service:shop')), shop))).toEqual([])
    expect(emitted(story.readsApproval(granted(approval('user:eve')), stranger))).toEqual([])
    expect(emitted(story.readsApproval(granted(approval('user:cleo', { planHash: 'other' })), cleo))).toEqual(
      [],
    )
    expect(emitted(story.readsApproval(granted(approval('user:ben', { expiresAt: 10_000 })), ben))).toEqual(
      [],
    )
  })

  it('counts distinct approvers when it takes two', () => {
    asked(policySchema.parse({ preApproved: { maxSteps: 0 }, approval: { required: 2 } }))
    expect(emitted(story.readsApproval(granted(approval('user:ben')), ben))).toEqual([])
    const again = granted(approval('user:ben', { grantedAt: 11_000 }))
    expect(
      emitted(
        story.readsApproval({ ...again, data: { ...again.data, eventId: 'again' } } as LedgerEvent, ben),
      ),
    ).toEqual([])
    expect(lines(story.readsApproval(granted(approval('user:cleo')), cleo))[0]).toBe(
      'emit RollbackRequested rb-1/requested/r1',
    )
  })

  it('ends when one of them denies it', () => {
    asked()
    story.reads({
      type: 'ApprovalDenied',
      data: {
        eventId: eventIds.approvalDenied(ROLLBACK, 1, 'user:ben'),
        correlationId: CORRELATION,
        rollbackId: ROLLBACK,
        occurredAt: 10_000,
        emitter: 'user:ben',
        causationId: null,
        revision: 1,
        planHash: frozen.planHash,
        approver: 'user:ben',
        reason: 'not now',
      },
    })
    expect(story.state).toBeNull()
  })

  it('escalates when nobody answers in time', () => {
    asked()
    story.now = 9_000 + 5 * 60_000
    expect(lines(story.takes({ kind: 'tick' }))).toEqual(['look orders payments'])
    const looked = story.takes({
      kind: 'facts',
      facts: { now: story.now, brokerOutageUntil: null, systems: new Map() },
    })
    expect(lines(looked)).toEqual(['emit EscalationRaised rb-1/escalation/waiting-for-person/approval r1/0'])
  })
})

describe('a running rollback', () => {
  const requested = ledger.requested(plan, { occurredAt: 10_000 })

  it('is closed by the proof of its last step, once', () => {
    story.reads(requested, ledger.completed('payments', 0, { occurredAt: 10_010 }))
    const commands = story.reads(ledger.completed('orders', 0, { occurredAt: 10_020 }))
    expect(lines(commands)[0]).toBe('emit RollbackClosed rb-1/closed/r1')
    expect(emitted(commands)[0]?.data).toMatchObject({
      endState: 'RESTORED_VERIFIED',
      restored: 2,
      expected: 2,
      durationMs: 20,
    })
    expect(emitted(story.takes({ kind: 'tick' }))).toEqual([])
    story.reads(...emitted(commands))
    expect(story.state).toBeNull()
  })

  it('is closed by whoever comes later, from the ledger alone', () => {
    story.live = false
    story.reads(requested, ledger.completed('payments'), ledger.completed('orders'))
    story.live = true
    expect(lines(story.takes({ kind: 'tick' }))[0]).toBe('emit RollbackClosed rb-1/closed/r1')
  })

  it('supplements the plan with what a system found, and says where the steps stand', () => {
    story.reads(requested, ledger.completed('payments', 0, { occurredAt: 10_010 }))
    const commands = story.reads(ledger.late('orders', ['orders:9']))
    const [request] = emitted(commands)
    expect(request).toMatchObject({
      type: 'RollbackRequested',
      data: {
        eventId: 'rb-1/requested/r2',
        causationId: 'rb-1/late/orders/orders:9',
        revision: 2,
        steps: [
          { stepId: 'payments', status: 'verified', round: 0 },
          { stepId: 'orders', status: 'waiting', round: 0 },
        ],
      },
    })
    story.reads(request!)
    const rollback = story.state?.rollback
    if (rollback?.phase !== 'running') throw new Error('expected it to run')
    expect(rollback.plan.revision).toBe(2)
    expect(rollback.unplanned.size).toBe(0)
    expect(rollback.steps.get('orders')?.step.actions.map(a => a.actionId)).toEqual(['orders:9', 'orders:1'])
  })

  it('is opened again by what is found after the end', () => {
    const history = [
      requested,
      ledger.completed('payments'),
      ledger.completed('orders'),
      ledger.closed(),
      ledger.late('orders', ['orders:9']),
    ]
    story.state = history.reduce<Coordination | null>(
      (state, event, i) =>
        foldEvent(state, { event, position: { topic: 'unwind.rollback', partition: 0, offset: BigInt(i) } }),
      null,
    )
    const commands = story.takes({ kind: 'tick' })
    expect(lines(commands)).toEqual(['emit RollbackRequested rb-1/requested/r2'])
    story.reads(...emitted(commands))
    expect(story.state?.rollback.phase).toBe('running')
    const end = story.reads(ledger.completed('orders~2', 0, { system: 'orders' }))
    expect(lines(end)[0]).toBe('emit RollbackClosed rb-1/closed/r2')
    story.reads(...emitted(end))
    expect(story.state).toBeNull()
  })

  it('looks at the systems only when something is overdue, and escalates it once', () => {
    expect(lines(story.reads(requested))).toEqual(['wake 25000'])
    story.now = 25_000
    expect(lines(story.takes({ kind: 'tick' }))).toEqual(['look orders payments'])
    const there = new Map([
      ['orders', present(25_000)],
      ['payments', present(25_000, { lag: 3 })],
    ])
    const look = (now: number) => {
      story.now = now
      return story.takes({ kind: 'facts', facts: { now, brokerOutageUntil: null, systems: there } })
    }
    expect(lines(look(25_000))).toEqual(['wake 70000'])
    story.now = 70_000
    expect(lines(story.takes({ kind: 'tick' }))).toEqual(['look orders payments'])
    const alarm = look(70_000)
    expect(lines(alarm)).toEqual([
      'emit EscalationRaised rb-1/escalation/not-consumed/payments/0',
      'wake 130000',
    ])
    story.reads(...emitted(alarm))
    expect(lines(look(70_000))).toEqual(['wake 130000'])
    expect([...story.state!.escalations.values()]).toMatchObject([{ acknowledgedBy: null }])
  })

  it('escalates nothing while an outage of the broker explains the silence', () => {
    story.reads(requested)
    story.now = 70_000
    story.takes({ kind: 'tick' })
    const facts = { now: 70_000, brokerOutageUntil: 80_000, systems: new Map() }
    expect(lines(story.takes({ kind: 'facts', facts }))).toEqual(['wake 80000'])
    story.now = 80_000
    expect(lines(story.takes({ kind: 'tick' }))).toEqual(['look orders payments'])
  })

  it('surfaces what was not taken under its name, one alarm a kind of record', () => {
    story.reads(requested)
    const forged = { kind: 'refused', claimed: 'CompensationCompleted', message: 'it is not signed' } as const
    expect(lines(story.takes(forged))[0]).toBe(
      'emit EscalationRaised rb-1/escalation/unauthorised/CompensationCompleted/0',
    )
    expect(emitted(story.takes({ ...forged, message: 'again' }))).toEqual([])
  })

  it('surfaces a command that does not fit', () => {
    story.reads(requested)
    const commands = story.reads(ledger.command('retry', plan, { stepId: 'orders' }))
    expect(emitted(commands)[0]?.data).toMatchObject({
      kind: 'unauthorised',
      severity: 'warning',
      message:
        'rollback rb-1: command-retry was not taken (contract): retry by user:ana: step orders has not begun, there is nothing to retry',
    })
  })

  it('is not closed by an end of the revision before', () => {
    story.reads(requested, ledger.completed('payments'), ledger.completed('orders'))
    const [request] = emitted(story.reads(ledger.late('payments', ['payments:9'])))
    story.reads(request!)
    story.reads(ledger.closed('RESTORED_VERIFIED', 1))
    expect(story.state?.rollback.phase).toBe('running')
    const commands = story.reads(ledger.completed('payments~2', 0, { system: 'payments' }))
    expect(lines(commands)[0]).toBe('emit RollbackClosed rb-1/closed/r2')
  })
})

describe('two coordinators at once', () => {
  it('say the same under the same IDs, and either one’s word is enough', () => {
    const other = new Story()
    other.contracts = contracts
    other.now = 10_500
    story.reads(proposal)
    other.reads(proposal)
    const mine = emitted(story.isGiven(actions))
    const theirs = emitted(other.isGiven([...actions].reverse()))
    expect(theirs.map(e => e.data.eventId)).toEqual(mine.map(e => e.data.eventId))
    for (const one of [story, other]) one.reads(...theirs, ...mine)
    expect(story.state?.rollback).toEqual(other.state?.rollback)
    const outcomes = [ledger.completed('payments'), ledger.completed('orders')]
    const ends = [story, other].map(one => emitted(one.reads(...outcomes)).map(e => e.data.eventId))
    expect(ends).toEqual([['rb-1/closed/r1'], ['rb-1/closed/r1']])
  })
})
