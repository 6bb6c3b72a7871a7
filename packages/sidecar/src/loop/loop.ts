import { setMaxListeners } from 'node:events'
import { eventIds, idempotencyKey, type LedgerEvent, type RollbackClosed } from '@unwind/contracts'
import {
  holdsOffset,
  isSettled,
  mayBegin,
  type Participant,
  type ParticipantCommand,
  type ParticipantInput,
  type Participation,
  participate,
  type RollbackState,
  UNHELD,
  unplannedOf,
} from '@unwind/core'
import { type Cancel, type Followed, type Peek, systemTimers, type Timers } from '@unwind/runtime'
import type { Adapter, FenceReport } from '../adapter/port.js'
import { Announcement } from './announcement.js'
import { runAttempt } from './attempt.js'
import { FenceQueue } from './fences.js'
import { Limiter } from './limiter.js'
import { ProgressNotes } from './progress.js'
import { Relevance } from './relevance.js'

export interface LoopOptions {
  readonly me: Participant
  readonly adapter: Adapter
  /** Steps that may be under way at once in this process. */
  readonly concurrency: number
  /** Publishes an event. Rejects when it could not be made sure; that ends the process, and a restart refolds. */
  send(event: LedgerEvent, traceparent: string | null): Promise<unknown>
  isLive(partition: number): boolean
  failpoint(name: string): Promise<void>
  onFatal(error: Error): void
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
  readonly metrics: LoopMetrics
  /** An attempt begins; what the ledger may be told of it later. For observers. */
  onAttempt?(intent: LedgerEvent): void
  /** Epoch ms. */
  now(): number
  /** Default: the system's. */
  readonly timers?: Timers
}

export interface LoopMetrics {
  attempt(outcome: string, durationMs: number): void
}

interface Entry {
  readonly rollbackId: string
  readonly correlationId: string
  readonly partition: number
  /** A restart must read from here: the request, or the last operator command, which carries as much. */
  readFrom: bigint
  state: Participation
  traceparent: string | null
  cancelWake: Cancel
  /** Of the attempts under way: told when a person stops the rollback, or when another process has taken it over. */
  readonly halts: Set<AbortController>
  /** It does not hold the offset back any more, and an offset was noted since. */
  passed: boolean
}

/** Rollbacks that ended before this system had looked into its target, at most: when a whole ledger is read again. */
const AWAIT_FENCES = 5_000
/** Rollbacks that ended here recently, by their last revision: a late duplicate of their request must not begin them again (I2). */
const REMEMBER_ENDED = 50_000

/**
 * The sidecar's loop: ledger events in, effects outside the handler, outcomes out. It holds no database; what it knows
 * is the fold of the ledger from the oldest unsettled rollback on. Every decision is `participate`'s.
 */
export class SidecarLoop {
  readonly #entries = new Map<string, Entry>()
  /** The ledger says that they have ended, and the fence has not said yet what this system holds of them. */
  readonly #closedEarly = new Set<Entry>()
  /** The ledger says that they have ended, and something of them is still to be said or planned here. */
  readonly #keptClosed = new Set<Entry>()
  readonly #ended = new Map<string, number>()
  /** Partitions in which a rollback of ours ended since their offset was noted. */
  readonly #passed = new Set<number>()
  readonly #limiter: Limiter
  readonly #fences: FenceQueue
  readonly #relevance: Relevance
  readonly #abort = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  readonly #timers: Timers

  constructor(private readonly options: LoopOptions) {
    this.#timers = options.timers ?? systemTimers
    // Every attempt under way listens to it.
    setMaxListeners(0, this.#abort.signal)
    this.#limiter = new Limiter(options.concurrency)
    this.#relevance = new Relevance(options.me.system)
    this.#fences = new FenceQueue(options.adapter, this.#abort.signal, report => this.#onFence(report))
  }

  /** Rollbacks that this process knows, and steps at work: for readiness and metrics. */
  get open(): { rollbacks: number; attempts: number } {
    return { rollbacks: this.#entries.size, attempts: this.#underWay.size }
  }

  wants(peek: Peek): boolean {
    const { type, rollbackId } = peek
    // Without the headers of an event it is nobody's request; the coordinator sets it aside.
    if (type === null || rollbackId === null) return false
    const entry = this.#entries.get(rollbackId)
    if (type === 'RollbackRequested') return entry !== undefined || !this.#isOver(peek)
    // A late copy of a command carries a plan too: it must not begin what has ended here (I5).
    if (!entry) return type === 'OperatorCommandIssued' && !this.#ended.has(rollbackId)
    // Of an ended rollback, every fold takes only what may open it again (I8).
    if (this.#keptClosed.has(entry))
      return (
        type === 'RollbackClosed' || (type === 'LateActionDetected' && peek.system === this.options.me.system)
      )
    switch (type) {
      case 'OperatorCommandIssued':
      case 'RollbackClosed':
      case 'GateOpened':
      case 'SystemFenced':
        return true
      case 'LateActionDetected':
        return peek.system === this.options.me.system
      case 'CompensationStarted':
        // Others wait for outcomes, not for intents. Also where the attempt runs here: whether a command fits depends on it,
        // and every fold of the ledger must come to the same (I8).
        return peek.system === this.options.me.system
      case 'CompensationCompleted':
      case 'CompensationFailed':
      case 'StepParked':
        return peek.stepId === null || this.#relevance.has(entry.state, peek.stepId)
      default:
        return false
    }
  }

  /** A late duplicate begins nothing anew (I2); a revision after the end does: it names what came late (I1). */
  #isOver({ rollbackId, eventId }: Peek): boolean {
    const last = this.#ended.get(rollbackId ?? '') ?? 0
    for (let revision = 1; revision <= last; revision++)
      if (eventId === eventIds.requested(rollbackId ?? '', revision)) return true
    return false
  }

  onEvent(followed: Followed): void {
    const event = followed.event as LedgerEvent
    const { rollbackId } = event.data
    if (this.#isElsewhere(followed, event)) return
    if (event.type === 'RollbackClosed') this.#onClosed(event.data)
    else this.#input(rollbackId, { kind: 'event', event }, followed)
  }

  /**
   * A copy of an honest event in another partition, or an event of another business transaction under an ID that is taken: both
   * are well signed. A rollback lives where it began (design decision 2).
   */
  #isElsewhere({ position }: Followed, event: LedgerEvent): boolean {
    const entry = this.#entries.get(event.data.rollbackId)
    if (!entry) return false
    const { rollbackId, correlationId, partition } = entry
    if (partition === position.partition && correlationId === event.data.correlationId) return false
    const where = {
      rollbackId,
      correlationId,
      partition: position.partition,
      offset: String(position.offset),
    }
    this.options.logger.warn(
      where,
      `${event.type} is passed over: that rollback is in partition ${partition}`,
    )
    return true
  }

  /** The partition's history is folded: act on what is open in it. */
  onLive(partition: number): void {
    for (const entry of this.#entries.values())
      if (entry.partition === partition) this.#input(entry.rollbackId, { kind: 'tick' })
  }

  onReleased(partition: number): void {
    for (const entry of [...this.#entries.values()]) if (entry.partition === partition) this.#forget(entry)
  }

  oldestNeeded(partition: number): bigint | null {
    let oldest: bigint | null = null
    let passes = this.#passed.delete(partition)
    for (const entry of this.#entries.values()) {
      if (entry.partition !== partition) continue
      if (!holdsOffset(this.options.me, entry.state)) {
        passes ||= this.#isMine(entry.state.rollback) && !entry.passed
        entry.passed = true
      } else if (oldest === null || entry.readFrom < oldest) oldest = entry.readFrom
    }
    // The offset that is committed next leaves a rollback behind in which this system had a step.
    if (passes) void this.options.failpoint('sidecar.before-commit').catch(this.options.onFatal)
    return oldest
  }

  /** Starts nothing new and waits for what is under way, at most `ms`; then gives it up (a restart finds out how it ended). */
  async drain(ms: number): Promise<void> {
    this.#limiter.close()
    let expire: Cancel = () => {}
    const expired = new Promise<void>(resolve => {
      expire = this.#timers.after(ms, resolve)
    })
    await Promise.race([Promise.allSettled([...this.#underWay]), expired])
    expire()
    this.#abort.abort()
    for (const entry of [...this.#entries.values()]) this.#forget(entry)
  }

  #input(rollbackId: string, input: ParticipantInput, followed?: Followed): void {
    const entry = this.#entries.get(rollbackId)
    const partition = entry?.partition ?? followed?.position.partition
    if (partition === undefined) return
    const live = followed?.live ?? this.options.isLive(partition)
    const before = entry?.state ?? null
    const { state, commands } = participate(this.options.me, before, input, this.options.now(), live)
    if (state === null) return
    const current = entry ?? (followed ? this.#begin(state, followed) : null)
    if (!current) return
    if (
      followed?.event.type === 'OperatorCommandIssued' &&
      before !== null &&
      !holdsOffset(this.options.me, before)
    )
      current.readFrom = followed.position.offset
    if (before !== null && revisionOf(state) > revisionOf(before)) this.#keptClosed.delete(current)
    current.state = state
    if (state.rollback.phase === 'running' && (state.rollback.aborted || state.rollback.paused))
      halt(current, state.rollback.aborted ? 'abort' : 'pause')
    if (followed?.traceparent) current.traceparent = followed.traceparent
    for (const command of commands) this.#run(current, command)
  }

  #begin(state: Participation, followed: Followed): Entry | null {
    const { rollback } = state
    if (!this.#isMine(rollback) && !this.options.me.fences) return null
    const entry: Entry = {
      rollbackId: rollback.rollbackId,
      correlationId: rollback.correlationId,
      partition: followed.position.partition,
      readFrom: followed.position.offset,
      state,
      traceparent: followed.traceparent,
      cancelWake: () => {},
      halts: new Set(),
      passed: false,
    }
    this.#entries.set(entry.rollbackId, entry)
    return entry
  }

  #run(entry: Entry, command: ParticipantCommand): void {
    switch (command.kind) {
      case 'emit':
        void this.#emit(entry, command.event)
        return
      case 'fence':
        this.#fences.push({ correlationId: entry.correlationId, rollbackId: entry.rollbackId })
        return
      case 'attempt': {
        const running = this.#limiter
          .run(() => this.#attempt(entry, command))
          .finally(() => this.#underWay.delete(running))
        this.#underWay.add(running)
        return
      }
      case 'wake':
        entry.cancelWake()
        entry.cancelWake = this.#timers.after(Math.max(0, command.at - this.options.now()), () =>
          this.#input(entry.rollbackId, { kind: 'tick' }),
        )
        return
      default:
        command satisfies never
    }
  }

  async #attempt(entry: Entry, command: Extract<ParticipantCommand, { kind: 'attempt' }>): Promise<void> {
    if (!this.#holds(entry)) return
    const { options } = this
    await options.failpoint('sidecar.before-intent')
    if (!this.#holds(entry)) return
    const { stepId, work: decided } = command
    if (!mayBegin(entry.state, stepId, decided, options.now()))
      return this.#input(entry.rollbackId, { kind: 'withdrawn', stepId, work: decided })
    options.onAttempt?.(command.intent)
    const announcement = new Announcement(command.announce, this.#timers, () =>
      this.#emit(entry, command.intent),
    )
    if (!(await announcement.made)) return
    await options.failpoint('sidecar.after-intent')
    const work = {
      rollbackId: entry.rollbackId,
      correlationId: entry.correlationId,
      stepId: command.stepId,
      key: idempotencyKey(entry.rollbackId, command.stepId),
      actions: command.actions,
      resolution: command.resolution,
      firstStartedAt: command.firstStartedAt,
      traceparent: entry.traceparent,
    }
    // A first attempt of a target without effect record is probed too: the request may be a late duplicate (I2).
    const probeFirst = command.probeFirst ? 'settle' : command.announce === 'first' ? 'glance' : false
    const { signal } = this.#abort
    const notes = this.#notes(entry, command)
    const stop = new AbortController()
    entry.halts.add(stop)
    const result = await runAttempt(
      options.adapter,
      { ...work, progress: notes.add, halt: stop.signal },
      {
        probeFirst,
        signal,
        failpoint: options.failpoint,
        clock: this.#timers.elapsed,
      },
    )
    entry.halts.delete(stop)
    // Before the outcome, so that the timeline reads in the order in which it happened.
    notes.end()
    options.metrics.attempt(result.kind === 'proved' ? result.outcome : result.code, result.durationMs)
    const announced = announcement.end()
    await options.failpoint('sidecar.before-outcome')
    // Lost the partition meanwhile: the new owner finds the effect record or probes, and speaks for it.
    if (!this.#holds(entry)) return
    this.#input(entry.rollbackId, { kind: 'attempted', stepId, work: decided, announced, result })
  }

  #notes(
    entry: Entry,
    { stepId, work, intent }: Extract<ParticipantCommand, { kind: 'attempt' }>,
  ): ProgressNotes {
    const { rollbackId, correlationId } = entry
    const { principal } = this.options.me
    const common = { rollbackId, correlationId, emitter: principal, author: principal }
    return new ProgressNotes(this.#timers, (text, n) => {
      if (!this.#holds(entry)) return
      const eventId = eventIds.stepNote(rollbackId, stepId, work.round, work.attempt, n)
      const occurredAt = this.options.now()
      const causationId = intent.data.eventId
      void this.#emit(entry, {
        type: 'NoteAdded',
        data: { ...common, eventId, occurredAt, causationId, text },
      })
    })
  }

  #holds(entry: Entry): boolean {
    return this.#entries.get(entry.rollbackId) === entry && !this.#abort.signal.aborted
  }

  async #emit(entry: Entry, event: LedgerEvent): Promise<boolean> {
    try {
      await this.options.send(event, entry.traceparent)
      return true
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error))
      this.options.onFatal(
        new Error(`cannot write ${event.type} of ${entry.rollbackId} to the ledger`, { cause }),
      )
      return false
    }
  }

  #onFence(report: FenceReport): void {
    const entry = this.#entries.get(report.rollbackId)
    if (!entry) return
    if (report.kind === 'fenced') this.#input(report.rollbackId, { kind: 'fenced', found: report.found })
    else {
      const { rollbackId, code, message } = report
      this.options.logger.warn(
        { rollbackId, correlationId: entry.correlationId, code },
        `fence failed: ${message}`,
      )
      this.#input(rollbackId, { kind: 'fence-failed', code, message })
    }
    if (this.#closedEarly.has(entry) && entry.state.fence === 'done') this.#endUnlessHeld(entry)
  }

  #onClosed({ rollbackId, endState }: RollbackClosed): void {
    const entry = this.#entries.get(rollbackId)
    if (!entry) return
    if (endState === 'ABANDONED') {
      this.#end(entry)
      return
    }
    const { rollback, fence } = entry.state
    // The end of an earlier revision, written while this one was requested.
    if (this.#hasOpenStep(rollback)) return
    // Kept or not, what held it does not hold a revision after this end.
    if (rollback.phase === 'running') entry.state = { ...entry.state, rollback: { ...rollback, ...UNHELD } }
    this.#keptClosed.add(entry)
    if (fence === 'done') {
      this.#endUnlessHeld(entry)
      return
    }
    // Others were faster than our look into the target. What it finds must still be said, or it is never undone (I1).
    this.#closedEarly.add(entry)
    if (this.#closedEarly.size <= AWAIT_FENCES) return
    const [oldest] = this.#closedEarly
    this.options.logger.warn(
      { rollbackId: oldest!.rollbackId, correlationId: oldest!.correlationId },
      `more than ${AWAIT_FENCES} rollbacks ended before the target was looked into; this one is given up`,
    )
    this.#end(oldest!)
  }

  #isMine(rollback: RollbackState): boolean {
    return rollback.phase === 'running' && rollback.plan.steps.some(s => s.system === this.options.me.system)
  }

  #hasOpenStep(rollback: RollbackState): boolean {
    if (rollback.phase !== 'running') return false
    return [...rollback.steps.values()].some(
      s => s.step.system === this.options.me.system && !isSettled(s.progress),
    )
  }

  /** Actions that we have reported and that no plan names yet: a revision is on its way. */
  #endUnlessHeld(entry: Entry): void {
    const { rollback } = entry.state
    this.#closedEarly.delete(entry)
    if (rollback.phase === 'running' && unplannedOf(rollback, this.options.me.system).length > 0) return
    // A revision came after that end, and opened it again for us (I7).
    if (this.#hasOpenStep(rollback)) return
    this.#end(entry)
  }

  #end(entry: Entry): void {
    const { rollbackId, state } = entry
    this.#forget(entry)
    if (this.#isMine(state.rollback) && !entry.passed) this.#passed.add(entry.partition)
    this.#ended.set(rollbackId, Math.max(1, revisionOf(state)))
    if (this.#ended.size > REMEMBER_ENDED) this.#ended.delete(this.#ended.keys().next().value!)
  }

  #forget(entry: Entry): void {
    entry.cancelWake()
    halt(entry, 'released')
    this.#closedEarly.delete(entry)
    this.#keptClosed.delete(entry)
    this.#entries.delete(entry.rollbackId)
  }
}

/** Attempts that rest between stages stop where they are; others let what has begun come to its end. */
function halt({ halts }: Entry, reason: 'pause' | 'abort' | 'released'): void {
  for (const each of halts) each.abort(reason)
}

function revisionOf({ rollback }: Participation): number {
  return 'plan' in rollback ? rollback.plan.revision : 0
}
