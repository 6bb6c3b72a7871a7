import { describe, expect, it } from 'vitest'
import { ledger, plan, running, statuses, step } from '../testing/ledger.js'
import { snapshotOf } from './steps.js'

const gated = plan([step('loyalty'), step('orders', ['loyalty'], { gate: 'before:orders' })], {
  gates: [{ gateId: 'before:orders', beforeTier: 1, kind: 'human', bakeMs: 0 }],
})
const whole = [
  ledger.requested(gated),
  ledger.completed('loyalty'),
  ledger.started('orders'),
  ledger.parked('orders'),
]
const retry = ledger.command('retry', gated, { stepId: 'orders', steps: snapshotOf(running(...whole).steps) })

describe('a command', () => {
  it('tells a fold that began at an older command what lies between', () => {
    const older = ledger.command('skip', gated, {
      stepId: 'loyalty',
      steps: [
        { stepId: 'loyalty', status: 'waiting', round: 0 },
        { stepId: 'orders', status: 'waiting', round: 0 },
      ],
    })
    const state = running(older, retry)
    expect(state.steps.get('orders')).toMatchObject({ round: 1, progress: { status: 'waiting' } })
    expect([...state.openGates]).toEqual(['before:orders'])
    expect(state.refusals).toEqual([])
  })

  it('tells a fold that knows an older revision of the later one', () => {
    const one = plan([step('loyalty')])
    const two = plan([step('loyalty'), step('orders')], { revision: 2 })
    const steps = [
      { stepId: 'loyalty', status: 'verified', round: 0 },
      { stepId: 'orders', status: 'parked', round: 0 },
    ]
    const state = running(ledger.requested(one), ledger.command('retry', two, { stepId: 'orders', steps }))
    expect(state.plan.revision).toBe(2)
    expect(statuses(state)).toEqual({ loyalty: 'verified', orders: 'waiting' })
    expect(state.steps.get('orders')?.round).toBe(1)
  })

  it('changes nothing but its own step where the whole log is known', () => {
    const stale = ledger.command('pause', gated, {
      steps: [
        { stepId: 'loyalty', status: 'started', round: 0 },
        { stepId: 'orders', status: 'waiting', round: 0 },
      ],
    })
    expect(running(...whole, stale).steps).toEqual(running(...whole).steps)
    expect(running(...whole, retry).steps.get('loyalty')).toEqual(running(...whole).steps.get('loyalty'))
  })

  it.each(['skipped', 'resolved'])('does not open the gate of a step that a person has %s (I4)', status => {
    const steps = [
      { stepId: 'loyalty', status: 'verified', round: 0 },
      { stepId: 'orders', status, round: 0 },
    ]
    expect(running(ledger.command('resume', gated, { steps })).openGates).toEqual(new Set())
  })

  it('opens the gate of a step that has begun, for who knows the step from the log and not the opening', () => {
    const began = ledger.command('skip', gated, { stepId: 'loyalty', steps: [] })
    const state = running(began, ledger.started('orders'), ledger.parked('orders'), retry)
    expect([...state.openGates]).toEqual(['before:orders'])
  })
})

describe('a copy of an earlier command', () => {
  const at = (command: string, occurredAt: number, over: object = {}) =>
    ledger.command(command, gated, { eventId: `command-${occurredAt}`, occurredAt, ...over })
  const refusal = {
    eventId: 'command-2000',
    code: 'unauthorised',
    message:
      'abort by user:ana: it is of 1970-01-01T00:00:02.000Z, from before what this reader began with; a copy of it, or a clock that is behind',
  }

  it('is refused by a fold that began at a later one, and so never saw its ID (I5)', () => {
    const state = running(at('resume', 3_000), at('abort', 2_000, { causationId: 'command-1000' }))
    expect(state.aborted).toBeNull()
    expect(state.refusals).toEqual([refusal])
  })

  it('is refused by a fold that began at a later revision', () => {
    const two = plan(gated.steps, { revision: 2, gates: gated.gates })
    const state = running(ledger.requested(two, { occurredAt: 3_000 }), at('abort', 2_000))
    expect([state.aborted, state.refusals]).toEqual([null, [refusal]])
  })

  it('changes nothing in a fold of the whole log: it has seen the ID', () => {
    const whole = [ledger.requested(gated), at('pause', 2_000), at('resume', 3_000)]
    expect(running(...whole, at('pause', 2_000))).toEqual(running(...whole))
  })

  it('is told from a command that follows it by a clock that is behind', () => {
    const after = at('abort', 2_000, { causationId: 'command-3000' })
    expect(running(at('resume', 3_000), after).aborted).not.toBeNull()
    expect(running(ledger.requested(gated, { occurredAt: 3_000 }), at('abort', 2_000)).aborted).not.toBeNull()
  })
})
