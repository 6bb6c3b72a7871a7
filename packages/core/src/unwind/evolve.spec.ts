import { describe, expect, it } from 'vitest'
import { fold, ledger, plan, running, statuses, step } from '../testing/ledger.js'
import { evolve } from './evolve.js'
import { readiness } from './readiness.js'

const threeTiers = plan([
  step('loyalty'),
  step('payments', ['loyalty']),
  step('orders', ['payments'], { tier: 2 }),
])
const requested = ledger.requested(threeTiers)

describe('folding the ledger', () => {
  it('given a request, every step waits', () => {
    expect(statuses(fold(requested))).toEqual({ loyalty: 'waiting', payments: 'waiting', orders: 'waiting' })
  })

  it('ignores an event ID that it has seen', () => {
    const once = running(requested, ledger.started('loyalty'), ledger.completed('loyalty'))
    expect(
      fold(requested, ledger.started('loyalty'), ledger.completed('loyalty'), ledger.started('loyalty')),
    ).toEqual(once)
  })

  it('says nothing of outcomes whose request it has not seen', () => {
    expect(fold(ledger.started('loyalty'), ledger.completed('loyalty'))).toBeNull()
  })

  it('refuses a plan whose hash is not that of its bytes', () => {
    expect(fold(ledger.requested(threeTiers, { planHash: '0'.repeat(64) }))).toBeNull()
  })

  it('ignores an outcome that another system reports for a step', () => {
    const state = fold(requested, ledger.completed('loyalty', 0, { system: 'orders' }))
    expect(statuses(state).loyalty).toBe('waiting')
  })

  it('takes proof from a paused process even after the step was parked', () => {
    const state = fold(
      requested,
      ledger.started('loyalty'),
      ledger.parked('loyalty'),
      ledger.completed('loyalty'),
    )
    expect(statuses(state).loyalty).toBe('verified')
  })

  it('does not let a settled step be parked by a slower process', () => {
    const state = fold(requested, ledger.completed('loyalty'), ledger.parked('loyalty'))
    expect(statuses(state).loyalty).toBe('verified')
  })

  it('ignores failures of a round that a person has ended', () => {
    const retry = ledger.command('retry', threeTiers, { stepId: 'loyalty' })
    const state = running(
      requested,
      ledger.started('loyalty'),
      ledger.parked('loyalty'),
      retry,
      ledger.failed('loyalty', 1, null),
    )
    expect(state.steps.get('loyalty')).toMatchObject({
      round: 1,
      attempts: 0,
      progress: { status: 'waiting' },
    })
  })
})

describe('operator commands', () => {
  const parked = [requested, ledger.started('loyalty'), ledger.parked('loyalty')] as const

  it.each([
    ['keep', 'waiting'],
    ['force', 'waiting'],
    ['merge', 'waiting'],
    ['manual', 'resolved'],
  ])('resolve with %s leaves the step %s', (resolution, status) => {
    const state = running(...parked, ledger.command('resolve', threeTiers, { stepId: 'loyalty', resolution }))
    expect(state.steps.get('loyalty')?.progress.status).toBe(status)
    expect(state.refusals).toEqual([])
  })

  it.each(['keep', 'force', 'merge'])('resolve with %s is refused before the step has begun', resolution => {
    const early = ledger.command('resolve', threeTiers, { stepId: 'loyalty', resolution })
    const state = running(requested, early)
    expect(state.steps.get('loyalty')).toMatchObject({ round: 0, resolution: null })
    expect(state.refusals.map(r => r.message)).toEqual([
      'resolve by user:ana: step loyalty has not begun, there is no conflict to resolve yet',
    ])
  })

  it('skip settles the step, so that the next may start', () => {
    const state = running(...parked, ledger.command('skip', threeTiers, { stepId: 'loyalty' }))
    expect(readiness(state, state.steps.get('payments')!, 0)).toEqual({ kind: 'ready' })
  })

  it('skip of a step that still waits does not let its dependants overtake what it waited for (I4)', () => {
    const state = running(requested, ledger.command('skip', threeTiers, { stepId: 'payments' }))
    expect(readiness(state, state.steps.get('orders')!, 0)).toEqual({
      kind: 'waits-for-steps',
      steps: ['loyalty'],
    })
  })

  it('a step that is settled by hand needs no fence of its system, whose sidecar may never speak again (I7)', () => {
    const barrier = plan([step('loyalty'), step('payments')], { barrier: true })
    const fenced = [ledger.requested(barrier), ledger.fenced('payments')]
    const waits = running(...fenced)
    expect(readiness(waits, waits.steps.get('payments')!, 0)).toEqual({
      kind: 'waits-for-fences',
      systems: ['loyalty'],
    })
    const state = running(...fenced, ledger.command('skip', barrier, { stepId: 'loyalty' }))
    expect(readiness(state, state.steps.get('payments')!, 0)).toEqual({ kind: 'ready' })
  })

  it('leaves a refusal that says why for a step that the plan lacks', () => {
    const state = running(...parked, ledger.command('retry', threeTiers, { stepId: 'nowhere' }))
    expect(state.refusals.map(r => r.message)).toEqual(['retry by user:ana: the plan has no step nowhere'])
  })

  it('refuses to retry what has not begun', () => {
    const state = running(requested, ledger.command('retry', threeTiers, { stepId: 'orders' }))
    expect(state.refusals.map(r => r.message)).toEqual([
      'retry by user:ana: step orders has not begun, there is nothing to retry',
    ])
  })

  it('carries all that a process needs that never saw the request', () => {
    const steps = [
      { stepId: 'loyalty', status: 'verified', round: 0 },
      { stepId: 'payments', status: 'parked', round: 2 },
      { stepId: 'orders', status: 'waiting', round: 0 },
    ]
    const state = running(ledger.command('retry', threeTiers, { stepId: 'payments', steps }))
    expect(statuses(state)).toEqual({ loyalty: 'verified', payments: 'waiting', orders: 'waiting' })
    expect(state.steps.get('payments')?.round).toBe(3)
  })

  it('pause holds every start, resume lets them go', () => {
    const paused = running(requested, ledger.command('pause', threeTiers))
    expect(readiness(paused, paused.steps.get('loyalty')!, 0)).toEqual({ kind: 'paused' })
    const resumed = running(
      requested,
      ledger.command('pause', threeTiers),
      ledger.command('resume', threeTiers),
    )
    expect(readiness(resumed, resumed.steps.get('loyalty')!, 0)).toEqual({ kind: 'ready' })
  })
})

describe('readiness', () => {
  it('waits for every step before it (I4)', () => {
    const state = running(requested, ledger.completed('loyalty'))
    expect(readiness(state, state.steps.get('orders')!, 0)).toEqual({
      kind: 'waits-for-steps',
      steps: ['payments'],
    })
    expect(readiness(state, state.steps.get('payments')!, 0)).toEqual({ kind: 'ready' })
  })

  it('opens a bake gate by itself when its time has passed since the last outcome', () => {
    const gated = plan([step('a'), step('b', ['a'], { gate: 'before:b' })], {
      gates: [{ gateId: 'before:b', beforeTier: 1, kind: 'bake', bakeMs: 500 }],
    })
    const state = running(ledger.requested(gated), ledger.completed('a', 0, { occurredAt: 2_000 }))
    const b = state.steps.get('b')!
    expect(readiness(state, b, 2_499)).toEqual({ kind: 'bakes', gateId: 'before:b', until: 2_500 })
    expect(readiness(state, b, 2_500)).toEqual({ kind: 'ready' })
  })

  it('waits at a human gate until somebody opens it', () => {
    const gated = plan([step('a', [], { gate: 'before:a' })], {
      gates: [{ gateId: 'before:a', beforeTier: 0, kind: 'human', bakeMs: 0 }],
    })
    const closed = running(ledger.requested(gated))
    expect(readiness(closed, closed.steps.get('a')!, 0).kind).toBe('waits-for-gate')
    const open = running(ledger.requested(gated), ledger.gateOpened('before:a'))
    expect(readiness(open, open.steps.get('a')!, 0)).toEqual({ kind: 'ready' })
  })

  it('does not start a step whose tandem sibling is parked', () => {
    const pair = plan([step('a', [], { tandem: 'money' }), step('b', [], { tandem: 'money' })])
    const state = running(ledger.requested(pair), ledger.parked('a'))
    expect(readiness(state, state.steps.get('b')!, 0)).toEqual({ kind: 'tandem-parked', steps: ['a'] })
  })

  it('holds a system that found actions which the plan does not name, until a revision names them', () => {
    const state = running(requested, ledger.late('loyalty', ['loyalty:2']))
    expect(readiness(state, state.steps.get('loyalty')!, 0)).toEqual({
      kind: 'waits-for-plan',
      actions: ['loyalty:2'],
    })
    const both = step('loyalty', [], {
      actions: ['loyalty:2', 'loyalty:1'].map(actionId => ({
        actionId,
        action: 'loyalty.done',
        resource: null,
        data: '{}',
      })),
    })
    const revised = plan([both, ...threeTiers.steps.slice(1)], { revision: 2 })
    const after = running(requested, ledger.late('loyalty', ['loyalty:2']), ledger.requested(revised))
    expect(readiness(after, after.steps.get('loyalty')!, 0)).toEqual({ kind: 'ready' })
  })
})

describe('revisions', () => {
  it('refuses one that changes a step which has begun (I5)', () => {
    const changed = plan([step('loyalty', [], { deadlineMs: 1 }), ...threeTiers.steps.slice(1)], {
      revision: 2,
    })
    const state = running(requested, ledger.started('loyalty'), ledger.requested(changed))
    expect(state.plan.revision).toBe(1)
    expect(state.refusals.map(r => r.message)).toEqual(['revision 2 changes step loyalty, which is started'])
  })

  it('takes no older one, which a fold that began at the later one meets as a late copy (I1)', () => {
    const found = ['loyalty:2', 'loyalty:1'].map(actionId => {
      return { actionId, action: 'loyalty.done', resource: null, data: '{}' }
    })
    const one = plan([step('loyalty')])
    const two = plan([step('loyalty', [], { actions: found })], { revision: 2 })
    const state = running(ledger.requested(two), ledger.requested(one))
    expect(state.plan.revision).toBe(2)
    expect(state.steps.get('loyalty')?.step.actions).toEqual(found)
  })

  it('opens a closed rollback again for what came late', () => {
    const one = plan([step('loyalty')])
    const two = plan([step('loyalty'), step('orders')], { revision: 2 })
    const state = fold(
      ledger.requested(one),
      ledger.completed('loyalty'),
      ledger.closed(),
      ledger.requested(two),
    )
    expect(state?.phase).toBe('running')
    expect(statuses(state)).toEqual({ loyalty: 'verified', orders: 'waiting' })
  })

  it('has the gates closed again that no step has passed, and those open that one has (I4, seeds 1734504 and 1930200)', () => {
    const gate = { beforeTier: 0, kind: 'human', bakeMs: 0 } as const
    const gates = ['before:a', 'before:b'].map(gateId => ({ ...gate, gateId }))
    const steps = [step('a', [], { gate: 'before:a' }), step('b', [], { gate: 'before:b' })]
    const reopened = running(
      ledger.requested(plan(steps, { gates })),
      ledger.gateOpened('before:a'),
      ledger.gateOpened('before:b'),
      ledger.parked('a'),
      ledger.closed('ABANDONED'),
      ledger.requested(plan([...steps, step('c')], { gates, revision: 2 })),
    )
    expect([...reopened.openGates]).toEqual(['before:a'])
    const again = evolve(reopened, ledger.gateOpened('before:b', 2))
    expect(again?.phase === 'running' && [...again.openGates]).toEqual(['before:a', 'before:b'])
  })

  it('has done again what was under way at the end, said under the same ID (I8, seed 1274534)', () => {
    const one = plan([step('loyalty')])
    const two = plan([step('loyalty'), step('orders')], { revision: 2 })
    const told = [ledger.requested(one), ledger.closed('ABANDONED'), ledger.completed('loyalty')] as const
    const reopened = [...told, ledger.requested(two)] as const
    expect(statuses(fold(...reopened))).toEqual({ loyalty: 'waiting', orders: 'waiting' })
    expect(statuses(fold(...reopened, ledger.completed('loyalty')))).toEqual({
      loyalty: 'verified',
      orders: 'waiting',
    })
  })

  it('does not let the end of an earlier revision close a later one', () => {
    const one = plan([step('loyalty')])
    const two = plan([step('loyalty'), step('orders')], { revision: 2 })
    const state = fold(
      ledger.requested(one),
      ledger.completed('loyalty'),
      ledger.requested(two),
      ledger.closed(),
    )
    expect(state?.phase).toBe('running')
  })

  it('does not let an abandoned earlier one close a later one, nor one that was refused (I8)', () => {
    const two = plan([step('loyalty'), step('orders')], { revision: 2 })
    const abort = ledger.command('abort', two)
    const late = ledger.closed('ABANDONED')
    const asked = [ledger.requested(plan([step('loyalty')])), ledger.requested(two), abort]
    expect(fold(...asked, late)?.phase).toBe('running')
    expect(fold(...asked, late, ledger.closed('ABANDONED', 2))?.phase).toBe('closed')
    const changed = plan([step('loyalty', [], { deadlineMs: 1 })], { revision: 2 })
    const one = plan([step('loyalty')])
    const refused = [ledger.requested(one), ledger.started('loyalty'), ledger.requested(changed)]
    const stopped = [...refused, ledger.command('abort', one)]
    expect(fold(...stopped, late)?.phase).toBe('running')
    expect(fold(...stopped, late, ledger.closed('ABANDONED', 2))?.phase).toBe('closed')
  })
})
