import { eventIds, freezePlan } from '@unwind/contracts'
import { beforeEach, describe, expect, it } from 'vitest'
import { policySchema } from '../policy/policy.js'
import { emitted, lines, type Story, shopStory } from '../testing/coordination.js'
import { CORRELATION, ledger, ROLLBACK } from '../testing/ledger.js'
import { proposed } from '../testing/log.js'
import { act, planned } from '../testing/planning.js'

const { contracts, actions, basis, plan, proposal, begin } = shopStory()
const frozen = freezePlan(plan)

let story: Story
beforeEach(() => {
  story = begin()
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

  it('says whom it waits for now, also when that one was in the way before another', () => {
    story.reads(proposal)
    const meets = (rollbackId: string) => {
      story.isGiven(actions)
      const by = { rollbackId, on: 'orders orders/7' }
      const notes = emitted(story.takes({ kind: 'held', by, planHash: frozen.planHash }))
      story.reads(...notes)
      story.takes({ kind: 'freed' })
      return notes.map(note => note.data.eventId)
    }
    expect(meets('rb-0')).toEqual(['rb-1/waits-for-claim/rb-0'])
    expect(meets('rb-0')).toEqual([])
    expect(meets('rb-9')).toEqual(['rb-1/waits-again/2/rb-9'])
    expect(meets('rb-0')).toEqual(['rb-1/waits-again/3/rb-0'])
    expect(story.state?.rollback).toMatchObject({ waitsFor: { holder: 'rb-0', turn: 3 } })
    // A copy of what was said before, under another coordinator's ID of the same turn or an earlier one, changes nothing.
    story.reads(ledger.waits('rb-8', 2))
    expect(story.state?.rollback).toMatchObject({ waitsFor: { holder: 'rb-0', turn: 3 } })
  })

  it('says in the next turn whom it meets before the last word was read back, so that their order does not matter', () => {
    story.reads(proposal)
    const notes = ['rb-0', 'rb-9'].flatMap(rollbackId => {
      story.isGiven(actions)
      const said = emitted(
        story.takes({ kind: 'held', by: { rollbackId, on: 'x' }, planHash: frozen.planHash }),
      )
      story.takes({ kind: 'freed' })
      return said
    })
    expect(notes.map(note => note.data.eventId)).toEqual([
      'rb-1/waits-for-claim/rb-0',
      'rb-1/waits-again/2/rb-9',
    ])
    story.reads(...notes.toReversed())
    expect(story.state?.rollback).toMatchObject({ waitsFor: { holder: 'rb-9', turn: 2 } })
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
