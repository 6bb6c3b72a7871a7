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
  unplannedOf,
} from '@unwind/core'
import { type Cancel, type Followed, type Peek, systemTimers, type Timers } from '@unwind/runtime'
import type { Adapter, FenceReport } from '../adapter/port.js'
import { Announcement } from './announcement.js'
import { runAttempt } from './attempt.js'
import { FenceQueue } from './fences.js'
import { Limiter } from './limiter.js'
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
  readonly #ended = new Map<string, number>()
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
    if (type === 'RollbackRequested') return this.#entries.has(rollbackId) || !this.#isOver(peek)
    if (type === 'OperatorCommandIssued') return true
    const entry = this.#entries.get(rollbackId)
    if (!entry) return false
    switch (type) {
      case 'RollbackClosed':
      case 'GateOpened':
      case 'SystemFenced':
        return true
      case 'LateActionDetected':
        return peek.system === this.options.me.system
      case 'CompensationStarted':
        // Others wait for outcomes, not for intents.
        return peek.system === this.options.me.system && !this.#runsHere(entry, peek)
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

  /** An attempt that runs here needs no reminder; but where the ledger holds the intent, its time counts. */
  #runsHere(entry: Entry, { stepId }: Peek): boolean {
    return this.options.me.atomicEffect && stepId !== null && entry.state.work.has(stepId)
  }

  onEvent(followed: Followed): void {
    const event = followed.event as LedgerEvent
    const { rollbackId } = event.data
    if (event.type === 'RollbackClosed') this.#onClosed(event.data)
    else this.#input(rollbackId, { kind: 'event', event }, followed)
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
    for (const entry of this.#entries.values()) {
      if (entry.partition !== partition || !holdsOffset(this.options.me, entry.state)) continue
      if (oldest === null || entry.readFrom < oldest) oldest = entry.readFrom
    }
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
    current.state = state
    if (followed?.traceparent) current.traceparent = followed.traceparent
    for (const command of commands) this.#run(current, command)
  }

  #begin(state: Participation, followed: Followed): Entry | null {
    const { rollback } = state
    const mine =
      rollback.phase === 'running' && rollback.plan.steps.some(s => s.system === this.options.me.system)
    if (!mine && !this.options.me.fences) return null
    const entry: Entry = {
      rollbackId: rollback.rollbackId,
      correlationId: rollback.correlationId,
      partition: followed.position.partition,
      readFrom: followed.position.offset,
      state,
      traceparent: followed.traceparent,
      cancelWake: () => {},
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
    const result = await runAttempt(options.adapter, work, {
      probeFirst,
      signal,
      failpoint: options.failpoint,
      clock: this.#timers.elapsed,
    })
    options.metrics.attempt(result.kind === 'proved' ? result.outcome : result.code, result.durationMs)
    const announced = announcement.end()
    await options.failpoint('sidecar.before-outcome')
    // Lost the partition meanwhile: the new owner finds the effect record or probes, and speaks for it.
    if (!this.#holds(entry)) return
    this.#input(entry.rollbackId, { kind: 'attempted', stepId, work: decided, announced, result })
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
    this.#ended.set(rollbackId, 'plan' in state.rollback ? state.rollback.plan.revision : 1)
    if (this.#ended.size > REMEMBER_ENDED) this.#ended.delete(this.#ended.keys().next().value!)
  }

  #forget(entry: Entry): void {
    entry.cancelWake()
    this.#closedEarly.delete(entry)
    this.#entries.delete(entry.rollbackId)
  }
}
