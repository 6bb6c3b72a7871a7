import { type Approval, eventIds, freezePlan, type LedgerEvent } from '@unwind/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { policySchema } from '../policy/policy.js'
import { emitted, lines, peopleDecide, type Story, shopStory } from '../testing/coordination.js'
import { CORRELATION, ROLLBACK } from '../testing/ledger.js'

const { actions, plan, proposal, begin } = shopStory()
const frozen = freezePlan(plan)

let story: Story
beforeEach(() => {
  story = begin()
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
