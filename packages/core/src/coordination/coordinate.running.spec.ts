import { beforeEach, describe, expect, it } from 'vitest'
import { emitted, lines, Story, shopStory } from '../testing/coordination.js'
import { ledger } from '../testing/ledger.js'
import { present } from '../testing/stall.js'
import type { Coordination } from './coordination.js'
import { foldEvent } from './fold.js'

const { contracts, actions, plan, proposal, begin } = shopStory()

let story: Story
beforeEach(() => {
  story = begin()
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

  it('tells of a forgery that it reads in one go with the end, and lets go then (I8, seed 1592189)', () => {
    story.live = false
    story.reads(requested)
    story.takes({ kind: 'refused', claimed: 'CompensationCompleted', message: 'it is not signed' })
    story.reads(
      ledger.completed('payments'),
      ledger.completed('orders'),
      ledger.closed('RESTORED_VERIFIED', 1),
    )
    expect(story.state?.rollback.phase).toBe('closed')
    story.live = true
    const [alarm] = emitted(story.takes({ kind: 'tick' }))
    expect(alarm?.data.eventId).toBe('rb-1/escalation/unauthorised/CompensationCompleted/0')
    story.reads(alarm!)
    expect(story.state).toBeNull()
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
