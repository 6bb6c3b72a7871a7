import {
  eventIds,
  type FailureCode,
  type FieldDifference,
  hashText,
  type LedgerEvent,
  type PlannedAction,
  type RetryPolicy,
} from '@unwind/contracts'
import { isSelected, selectionOf } from '../planning/selection.js'
import { evolve } from '../unwind/evolve.js'
import { readiness } from '../unwind/readiness.js'
import type { RollbackState, Running, StepState } from '../unwind/state.js'
import { dueCommands } from './due.js'
import { reportAttempt } from './outcome.js'

/** What one sidecar is, as far as a decision needs it. */
export interface Participant {
  readonly system: string
  /** The process, e.g. "orders-7f3a". */
  readonly instance: string
  /** Emitter of its events: "sidecar:<system>". */
  readonly principal: string
  readonly contractVersion: string
  readonly contractHash: string
  readonly retryOf: (action: string) => RetryPolicy
  /** The adapter can fence or find actions, so it must be asked when a rollback begins. */
  readonly fences: boolean
  /** The effect and its record are one: repeating an undo is always safe. */
  readonly atomicEffect: boolean
}

/** One rollback as one sidecar sees it: what the ledger says, and what is under way in this process. */
export interface Participation {
  readonly rollback: RollbackState
  readonly fence: 'needed' | 'running' | 'done'
  /** Taken up from history: an earlier process may have begun what the ledger does not tell. */
  readonly fromHistory: boolean
  /** Fence attempts that failed; the next one waits longer. */
  readonly fenceFailures: number
  readonly fenceRetryAt: number | null
  /** Steps on which this process works, or whose outcome it has sent and not yet read back from the ledger. */
  readonly work: ReadonlyMap<string, Work>
}

export interface Work {
  readonly round: number
  readonly attempt: number
  readonly phase: 'running' | 'reported'
}

export interface FoundLate {
  readonly actionId: string
  readonly action: string
  readonly resource: string | null
  readonly occurredAt: number
  readonly data: string
}

/** How an attempt ended, after undo and probe. */
export type AttemptResult =
  | {
      readonly kind: 'proved'
      readonly outcome: 'undone' | 'already-restored' | 'kept' | 'merged'
      readonly restored: number
      readonly expected: number
      readonly fromDigest: string | null
      readonly toDigest: string | null
      readonly probe: string
      readonly durationMs: number
      readonly notes: readonly string[]
    }
  | {
      readonly kind: 'failed'
      readonly code: FailureCode
      readonly message: string
      readonly hint: string
      readonly differences: readonly FieldDifference[]
      readonly durationMs: number
      readonly retryAfterMs: number | null
    }

export type ParticipantInput =
  | { readonly kind: 'event'; readonly event: LedgerEvent }
  | { readonly kind: 'fenced'; readonly found: readonly FoundLate[] }
  | { readonly kind: 'fence-failed'; readonly code: FailureCode; readonly message: string }
  | {
      readonly kind: 'attempted'
      readonly stepId: string
      readonly work: Work
      /** The ledger was told of the attempt before its outcome. */
      readonly announced: boolean
      readonly result: AttemptResult
    }
  /** An attempt did not begin: it waited for its turn, and meanwhile it may not (`mayBegin`). */
  | { readonly kind: 'withdrawn'; readonly stepId: string; readonly work: Work }
  | { readonly kind: 'tick' }

export type ParticipantCommand =
  /** Put the fence in place and look for actions that the plan does not name. */
  | { readonly kind: 'fence' }
  /** Publish. `before`: the attempt must not begin until this is written (write-ahead intent). */
  | { readonly kind: 'emit'; readonly event: LedgerEvent }
  | {
      readonly kind: 'attempt'
      readonly stepId: string
      readonly work: Work
      readonly actions: readonly PlannedAction[]
      readonly resolution: StepState['resolution']
      /** When the target was first asked for this step, epoch ms: this attempt, or an earlier one. */
      readonly firstStartedAt: number
      readonly intent: LedgerEvent
      /**
       * When the ledger is told of the intent. "first": before the effect, where the target cannot keep an effect record
       * (design decision 4). "at-once": beside it. "if-slow": only when the outcome does not follow within moments, since
       * nobody acts on an intent that the outcome overtakes.
       */
      readonly announce: 'first' | 'at-once' | 'if-slow'
      /** An earlier attempt may have had its effect: look before doing it again. */
      readonly probeFirst: boolean
    }
  /** Nothing to do before this moment, epoch ms. */
  | { readonly kind: 'wake'; readonly at: number }

export interface Decision {
  /** Null: this rollback needs nothing of this sidecar any more. */
  readonly state: Participation | null
  readonly commands: readonly ParticipantCommand[]
}

/**
 * One participant's whole behaviour: fold the input, then say what is due. Pure; `now` is epoch ms.
 * @param live false while history is being read again: fold, but start nothing, since the outcome may lie further on.
 */
export function participate(
  me: Participant,
  before: Participation | null,
  input: ParticipantInput,
  now: number,
  live: boolean,
): Decision {
  const folded = fold(me, before, input, now, live)
  if (folded.state === null) return folded
  const state = inOneShape(folded.state)
  if (!live || state.rollback.phase !== 'running') return { state, commands: folded.commands }
  const due = dueCommands(me, state, state.rollback, now)
  return { state: due.state, commands: [...folded.commands, ...due.commands] }
}

/** As every participation has it: see the function of this name for a rollback. */
function inOneShape(state: Participation): Participation {
  return {
    rollback: state.rollback,
    fence: state.fence,
    fromHistory: state.fromHistory,
    fenceFailures: state.fenceFailures,
    fenceRetryAt: state.fenceRetryAt,
    work: state.work,
  }
}

/**
 * Whether an attempt that was decided earlier may still begin: it may have waited long for its turn, and meanwhile a person
 * may have stopped the rollback or settled the step, or its tandem sibling may have parked (I4, I5).
 * @param now epoch ms.
 */
export function mayBegin(
  { rollback, work }: Participation,
  stepId: string,
  decided: Work,
  now: number,
): boolean {
  if (rollback.phase !== 'running' || rollback.paused || work.get(stepId) !== decided) return false
  const step = rollback.steps.get(stepId)
  if (step?.progress.status === 'waiting') return readiness(rollback, step, now).kind === 'ready'
  // An abort lets what has begun come to its end.
  return !rollback.aborted || step?.progress.status === 'started'
}

function fold(
  me: Participant,
  before: Participation | null,
  input: ParticipantInput,
  now: number,
  live: boolean,
): Decision {
  if (input.kind === 'event') return { state: foldEvent(before, input.event, me, live), commands: [] }
  if (before === null || before.rollback.phase !== 'running') return { state: before, commands: [] }
  const { rollback } = before
  switch (input.kind) {
    case 'fenced':
      return fenced(me, before, rollback, input.found, now)
    case 'fence-failed': {
      const failures = before.fenceFailures + 1
      const fenceRetryAt = now + Math.min(30_000, 100 * 2 ** Math.min(failures, 9))
      return { state: { ...before, fence: 'needed', fenceFailures: failures, fenceRetryAt }, commands: [] }
    }
    case 'attempted': {
      const events = reportAttempt(me, rollback, input, now)
      const commands = events.map(event => ({ kind: 'emit' as const, event }))
      const open = before.work.get(input.stepId)
      // Another process made the same attempt and spoke first: the next one may be open here, and is not ended by this one's word (I7).
      if (open?.round !== input.work.round || open.attempt !== input.work.attempt)
        return { state: before, commands }
      const work = new Map(before.work).set(input.stepId, { ...input.work, phase: 'reported' as const })
      return { state: { ...before, work }, commands }
    }
    case 'withdrawn': {
      const work = new Map(before.work)
      if (work.get(input.stepId) === input.work) work.delete(input.stepId)
      return { state: { ...before, work }, commands: [] }
    }
    case 'tick':
      return { state: before, commands: [] }
    default:
      return input satisfies never
  }
}

function foldEvent(
  before: Participation | null,
  event: LedgerEvent,
  me: Participant,
  live: boolean,
): Participation | null {
  const rollback = evolve(before?.rollback ?? null, event)
  if (rollback === null) return null
  if (before === null)
    return {
      rollback,
      // A barrier waits for every system's word, also of one that has nothing to fence with: it would wait for ever (I7).
      fence: me.fences || (rollback.phase === 'running' && rollback.plan.barrier) ? 'needed' : 'done',
      fromHistory: !live,
      fenceFailures: 0,
      fenceRetryAt: null,
      work: new Map(),
    }
  if (rollback === before.rollback) return before
  const next: Participation = { ...before, rollback, work: stillOpen(before.work, rollback) }
  return asksForFenceAgain(before.rollback, rollback)
    ? { ...next, fence: 'needed', fenceRetryAt: null }
    : next
}

/** Whoever knows this rollback only from a later revision waits for answers to that one: each system gives it again (I7). */
function asksForFenceAgain(before: RollbackState, after: RollbackState): boolean {
  if (before.phase !== 'running' || after.phase !== 'running') return false
  return after.plan.barrier && after.plan.revision > before.plan.revision
}

/** Work whose outcome has come back from the ledger, or whose round a person has ended, is no longer this process's. */
function stillOpen(work: Participation['work'], rollback: RollbackState): Participation['work'] {
  if (work.size === 0) return work
  if (rollback.phase !== 'running') return new Map()
  return new Map(
    [...work].filter(([stepId, item]) => {
      const step = rollback.steps.get(stepId)
      if (!step || step.round !== item.round) return false
      const { progress } = step
      // Up to here the ledger has not spoken of this attempt's end.
      if (progress.status === 'waiting') return true
      if (progress.status === 'started') return progress.attempt <= item.attempt
      if (progress.status === 'retrying') return progress.attempt < item.attempt
      // A last failure is sent together with its parking, which is right behind it: to park again would say it twice.
      if (progress.status === 'failed') return progress.attempt <= item.attempt
      return false
    }),
  )
}

function fenced(
  me: Participant,
  before: Participation,
  rollback: Running,
  found: readonly FoundLate[],
  now: number,
): Decision {
  const state: Participation = { ...before, fence: 'done', fenceFailures: 0, fenceRetryAt: null }
  const commands: ParticipantCommand[] = []
  const named = new Set(rollback.plan.steps.flatMap(step => step.actions.map(action => action.actionId)))
  for (const surfaced of rollback.plan.surfaced) named.add(surfaced.actionId)
  // In the order in which the target knows them: that is the order in which they happened.
  const part = selectionOf(rollback.plan)
  const late = found.filter(
    action => !named.has(action.actionId) && isSelected(part, { ...action, system: me.system }),
  )
  const base = {
    correlationId: rollback.correlationId,
    rollbackId: rollback.rollbackId,
    occurredAt: now,
    emitter: me.principal,
    causationId: eventIds.requested(rollback.rollbackId, rollback.plan.revision),
    system: me.system,
  }
  if (late.length > 0) {
    const digest = hashText(
      late
        .map(a => a.actionId)
        .sort()
        .join('\n'),
    ).slice(0, 16)
    const eventId = eventIds.lateAction(rollback.rollbackId, me.system, digest)
    const data = { ...base, eventId, actions: late, detectedBy: 'arrival' }
    commands.push({ kind: 'emit', event: { type: 'LateActionDetected', data } })
    // Held from here on, not only from when the event comes back: between the two nothing of this system may start.
    const unplanned = new Map(rollback.unplanned)
    for (const action of late) unplanned.set(action.actionId, me.system)
    const held: Participation = { ...state, rollback: { ...rollback, unplanned } }
    return { state: held, commands: [...commands, ...fenceEvent()] }
  }
  return { state, commands: [...commands, ...fenceEvent()] }

  function fenceEvent(): ParticipantCommand[] {
    if (!rollback.plan.barrier) return []
    const { revision } = rollback.plan
    const eventId = eventIds.fenced(rollback.rollbackId, me.system, revision)
    return [{ kind: 'emit', event: { type: 'SystemFenced', data: { ...base, eventId, revision } } }]
  }
}
