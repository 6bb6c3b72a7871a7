import { freezePlan, type LedgerEvent } from '@unwind/contracts'
import { describe, expect, it } from 'vitest'
import { HASH, ledger, plan, ROLLBACK, step } from '../testing/ledger.js'
import { backoff } from './backoff.js'
import { holdsOffset } from './offset.js'
import {
  type AttemptResult,
  type Participant,
  type ParticipantCommand,
  type ParticipantInput,
  type Participation,
  participate,
} from './participant.js'

const me: Participant = {
  system: 'payments',
  instance: 'payments-1',
  principal: 'sidecar:payments',
  contractVersion: '1.0.0',
  contractHash: HASH,
  retryOf: () => ({ attempts: 3, initial: 100, max: 1_000 }),
  fences: false,
  atomicEffect: true,
}
const two = plan([step('loyalty'), step('payments', ['loyalty'])])
const alone = plan([step('payments')])
const work = { round: 0, attempt: 1, phase: 'running' } as const

const proved: AttemptResult = {
  kind: 'proved',
  outcome: 'undone',
  restored: 1,
  expected: 1,
  fromDigest: 'a',
  toDigest: 'b',
  probe: 'test',
  durationMs: 5,
  notes: [],
}
const failedWith = (code: 'transient' | 'unknown' | 'conflict'): AttemptResult => ({
  kind: 'failed',
  code,
  message: code,
  hint: 'hint',
  differences: [],
  durationMs: 5,
  retryAfterMs: null,
})

/** Given inputs, what the last of them brings about. */
function given(
  who: Participant,
  inputs: readonly (LedgerEvent | ParticipantInput)[],
  now = 1_000,
  live = true,
) {
  let state: Participation | null = null
  let commands: readonly ParticipantCommand[] = []
  for (const item of inputs) {
    const input: ParticipantInput = 'type' in item ? { kind: 'event', event: item } : item
    const decision = participate(who, state, input, now, live)
    state = decision.state
    commands = decision.commands
  }
  return { state, commands, told: commands.map(brief) }
}

function brief(command: ParticipantCommand): string {
  switch (command.kind) {
    case 'emit':
      return `emit ${command.event.data.eventId}`
    case 'attempt':
      return `attempt ${command.stepId} ${command.work.round}.${command.work.attempt}${command.announce === 'first' ? ' intent-first' : ''}${command.probeFirst ? ' probe-first' : ''}`
    case 'wake':
      return `wake ${command.at}`
    default:
      return command.kind
  }
}

describe('a participant', () => {
  it('starts at once when its step waits for nothing', () => {
    expect(given(me, [ledger.requested(alone)]).told).toEqual(['attempt payments 0.1'])
  })

  it('does nothing until all that it waits for has settled (I4)', () => {
    expect(given(me, [ledger.requested(two)]).told).toEqual([])
    expect(given(me, [ledger.requested(two), ledger.started('loyalty')]).told).toEqual([])
    expect(given(me, [ledger.requested(two), ledger.completed('loyalty')]).told).toEqual([
      'attempt payments 0.1',
    ])
  })

  it('does not take the end of an attempt that another process made too for the end of its next one (I7)', () => {
    const { state } = given(me, [
      ledger.requested(alone),
      ledger.failed('payments', 1, 500),
      { kind: 'attempted', announced: true, stepId: 'payments', work, result: failedWith('unknown') },
    ])
    expect(state?.work.get('payments')).toEqual({ round: 0, attempt: 2, phase: 'running' })
  })

  it('starts a step once, however often it is told', () => {
    expect(given(me, [ledger.requested(alone), ledger.started('payments'), { kind: 'tick' }]).told).toEqual(
      [],
    )
  })

  it('tells the ledger of a first attempt only if it is slow, of what may be a second one at once', () => {
    const announce = (d: { commands: readonly ParticipantCommand[] }) =>
      d.commands.flatMap(c => (c.kind === 'attempt' ? [c.announce] : []))
    expect(announce(given(me, [ledger.requested(alone)]))).toEqual(['if-slow'])
    expect(announce(given({ ...me, atomicEffect: false }, [ledger.requested(alone)]))).toEqual(['first'])
    const retried = [ledger.requested(alone), ledger.failed('payments', 1, 1_000), { kind: 'tick' } as const]
    expect(announce(given(me, retried.slice(0, 2)))).toEqual(['at-once'])
    const { state } = given(me, [ledger.requested(alone)], 1_000, false)
    expect(announce(participate(me, state, { kind: 'tick' }, 1_000, true))).toEqual(['at-once'])
  })

  it('names its cause: the outcome that it waited for', () => {
    const [command] = given(me, [ledger.requested(two), ledger.completed('loyalty')]).commands
    expect(command).toMatchObject({ intent: { data: { causationId: `${ROLLBACK}/loyalty/completed/0` } } })
  })

  it('says completed only with proof', () => {
    const { commands } = given(me, [
      ledger.requested(alone),
      { kind: 'attempted', announced: true, stepId: 'payments', work, result: proved },
    ])
    expect(commands).toEqual([
      {
        kind: 'emit',
        event: {
          type: 'CompensationCompleted',
          data: {
            correlationId: 'order-1',
            rollbackId: ROLLBACK,
            occurredAt: 1_000,
            emitter: 'sidecar:payments',
            causationId: `${ROLLBACK}/payments/started/0.1`,
            stepId: 'payments',
            system: 'payments',
            round: 0,
            attempt: 1,
            outcome: 'undone',
            restored: 1,
            expected: 1,
            fromDigest: 'a',
            toDigest: 'b',
            probe: 'test',
            durationMs: 5,
            notes: [],
            eventId: `${ROLLBACK}/payments/completed/0`,
          },
        },
      },
    ])
  })

  it('passes over history without acting, and acts on what is open at its end', () => {
    const seen = given(me, [ledger.requested(alone)], 1_000, false)
    expect(seen.told).toEqual([])
    expect(participate(me, seen.state, { kind: 'tick' }, 1_000, true).commands.map(brief)).toEqual([
      'attempt payments 0.1',
    ])
  })

  it('finds in history that its step is done, and leaves it', () => {
    const seen = given(
      me,
      [ledger.requested(alone), ledger.started('payments'), ledger.completed('payments')],
      1_000,
      false,
    )
    expect(participate(me, seen.state, { kind: 'tick' }, 1_000, true).commands).toEqual([])
  })
})

describe('an attempt that a dead process left behind', () => {
  const history = [ledger.requested(alone), ledger.started('payments')]

  it('is repeated where effect and record are one', () => {
    const { state } = given(me, history, 1_000, false)
    expect(participate(me, state, { kind: 'tick' }, 1_000, true).commands.map(brief)).toEqual([
      'attempt payments 0.2',
    ])
  })

  it('is probed first where they are not, with the intent written before (I2)', () => {
    const http = { ...me, atomicEffect: false }
    const { state } = given(http, history, 1_000, false)
    expect(participate(http, state, { kind: 'tick' }, 1_000, true).commands.map(brief)).toEqual([
      'attempt payments 0.2 intent-first probe-first',
    ])
  })

  it('parks when the attempts that the contract allows are used up', () => {
    const { state } = given(me, [ledger.requested(alone), ledger.started('payments', 3)], 1_000, false)
    expect(participate(me, state, { kind: 'tick' }, 1_000, true).commands.map(brief)).toEqual([
      `emit ${ROLLBACK}/payments/parked/0`,
    ])
  })
})

describe('failures', () => {
  const after = (result: AttemptResult, attempt = 1) =>
    given(me, [
      ledger.requested(alone),
      { kind: 'attempted', announced: true, stepId: 'payments', work: { ...work, attempt }, result },
    ])

  it('a transient one is said with the time of the next attempt', () => {
    const { commands } = after(failedWith('transient'))
    const wait = backoff({ attempts: 3, initial: 100, max: 1_000 }, 1, `${ROLLBACK}/payments`)
    expect(commands).toMatchObject([
      {
        kind: 'emit',
        event: { type: 'CompensationFailed', data: { code: 'transient', retryAt: 1_000 + wait } },
      },
    ])
    expect(wait).toBeGreaterThanOrEqual(50)
    expect(wait).toBeLessThanOrEqual(100)
  })

  it('a conflict parks at once, with what failed before it', () => {
    expect(after(failedWith('conflict')).told).toEqual([
      `emit ${ROLLBACK}/payments/failed/0.1`,
      `emit ${ROLLBACK}/payments/parked/0`,
    ])
  })

  it('a parking is said once: not again when the failure that it was sent with comes back from the ledger', () => {
    const last = ledger.failed('payments', 1, null, { code: 'conflict' })
    const reported = {
      kind: 'attempted',
      announced: true,
      stepId: 'payments',
      work,
      result: failedWith('conflict'),
    } as const
    expect(given(me, [ledger.requested(alone), ledger.started('payments'), reported, last]).told).toEqual([])
    // Who restarts between the two finds the failure alone, and says what is missing.
    const { state } = given(me, [ledger.requested(alone), ledger.started('payments'), last], 1_000, false)
    expect(participate(me, state, { kind: 'tick' }, 1_000, true).commands.map(brief)).toEqual([
      `emit ${ROLLBACK}/payments/parked/0`,
    ])
  })

  it('the last attempt parks', () => {
    expect(after(failedWith('transient'), 3).told).toEqual([
      `emit ${ROLLBACK}/payments/failed/0.3`,
      `emit ${ROLLBACK}/payments/parked/0`,
    ])
  })

  it('waits until the retry is due, then looks first if the outcome was unknown', () => {
    const http = { ...me, atomicEffect: false }
    const failed = ledger.failed('payments', 1, 5_000, { code: 'unknown' })
    const history = [ledger.requested(alone), ledger.started('payments'), failed]
    expect(given(http, history, 4_999).told).toEqual(['wake 5000'])
    expect(given(http, history, 5_000).told).toEqual(['attempt payments 0.2 intent-first probe-first'])
  })

  it('a retry by a person opens a new round and starts again', () => {
    const retry = ledger.command('retry', alone, { stepId: 'payments' })
    expect(given(me, [ledger.requested(alone), ledger.parked('payments'), retry]).told).toEqual([
      'attempt payments 1.1',
    ])
  })

  it('a plan made with another version of the contract parks before any effect', () => {
    const { commands } = given({ ...me, contractHash: 'd'.repeat(64) }, [ledger.requested(alone)])
    expect(commands).toMatchObject([
      { kind: 'emit', event: { type: 'StepParked', data: { code: 'contract' } } },
    ])
  })
})

const fencing = { ...me, fences: true }

describe('the fence', () => {
  const found = (actionId: string) => ({
    actionId,
    action: 'payments.done',
    resource: null,
    occurredAt: 1,
    data: '{}',
  })

  it('comes before the first step', () => {
    expect(given(fencing, [ledger.requested(alone)]).told).toEqual(['fence'])
    const fenced = { kind: 'fenced', found: [found('payments:1')] } as const
    expect(given(fencing, [ledger.requested(alone), fenced]).told).toEqual(['attempt payments 0.1'])
  })

  it('says which actions the plan does not name, and holds its step until a revision names them', () => {
    const fenced = { kind: 'fenced', found: [found('payments:2'), found('payments:1')] } as const
    const { told, state } = given(fencing, [ledger.requested(alone), fenced])
    expect(told).toEqual([expect.stringMatching(/^emit rb-1\/late\/payments\/[0-9a-f]{16}$/)])
    const actions = ['payments:2', 'payments:1'].map(actionId => ({
      actionId,
      action: 'payments.done',
      resource: null,
      data: '{}',
    }))
    const revised = ledger.requested(plan([step('payments', [], { actions })], { revision: 2 }))
    expect(
      participate(fencing, state, { kind: 'event', event: revised }, 1_000, true).commands.map(brief),
    ).toEqual(['attempt payments 0.1'])
  })

  it('does not ask for what the part leaves out, neither where it is found nor where it is read', () => {
    const selection = { actions: ['payments:1'], resources: [] }
    const part = ledger.requested(plan([step('payments')], { selection }))
    const fenced = { kind: 'fenced', found: [found('payments:1'), found('payments:2')] } as const
    expect(given(fencing, [part, fenced]).told).toEqual(['attempt payments 0.1'])
    const said = ledger.late('payments', ['payments:2'])
    expect(given(fencing, [part, said, fenced]).told).toEqual(['attempt payments 0.1'])
  })

  it('is put up by a system that the plan does not name, because it may hold actions all the same', () => {
    const others = ledger.requested(plan([step('loyalty')]))
    expect(given(fencing, [others]).told).toEqual(['fence'])
    const scoped = ledger.requested(plan([step('loyalty')], { scope: ['loyalty'] }))
    expect(given(fencing, [scoped]).told).toEqual([])
  })

  it('is tried again later when it failed', () => {
    const failed = { kind: 'fence-failed', code: 'transient', message: 'lock time-out' } as const
    expect(given(fencing, [ledger.requested(alone), failed]).told).toEqual(['wake 1200'])
  })

  it('is announced when the plan asks all systems to wait for all fences', () => {
    const barrier = ledger.requested(plan([step('payments')], { barrier: true }))
    const fenced = { kind: 'fenced', found: [] } as const
    expect(given(fencing, [barrier, fenced]).told).toEqual([`emit ${ROLLBACK}/fenced/payments/r1`])
  })
})

describe('the offset', () => {
  const held = (...inputs: LedgerEvent[]) => holdsOffset(me, given(me, inputs).state!)

  it('stays at a rollback that this system has not settled', () => {
    expect(held(ledger.requested(two))).toBe(true)
    expect(held(ledger.requested(two), ledger.completed('loyalty'), ledger.completed('payments'))).toBe(false)
  })

  it('is held back by what was found and is in no plan yet', () => {
    const settled = [ledger.requested(alone), ledger.completed('payments')]
    expect(held(...settled, ledger.late('payments', ['late-1']))).toBe(true)
    expect(held(...settled, ledger.late('orders', ['late-1']))).toBe(false)
  })

  it('stays until the ledger has the fence that everybody waits for: the word may have been refused (I7)', () => {
    const barrier = plan([step('loyalty'), step('payments')], { barrier: true })
    const said = [
      ledger.requested(barrier),
      { kind: 'fenced', found: [] },
      ledger.completed('payments'),
    ] as const
    expect(holdsOffset(fencing, given(fencing, [...said]).state!)).toBe(true)
    expect(holdsOffset(fencing, given(fencing, [...said, ledger.fenced('payments')]).state!)).toBe(false)
  })

  it('is not held back by a parked step, nor by one that waits for a parked one', () => {
    expect(held(ledger.requested(alone), ledger.parked('payments'))).toBe(false)
    expect(held(ledger.requested(two), ledger.parked('loyalty'))).toBe(false)
  })
})

it('carries the frozen plan in the request, byte for byte', () => {
  const event = ledger.requested(two)
  expect(event.data).toMatchObject(freezePlan(two))
})
