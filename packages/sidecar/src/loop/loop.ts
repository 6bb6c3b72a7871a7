import { type EventOf, type LedgerEvent, routingOf } from '@unwind/contracts'
import {
  CLOCK_MARGIN_MS,
  type Participant,
  type ParticipantCommand,
  type ParticipantInput,
  type Participation,
  participate,
} from '@unwind/core'
import { type Followed, type IncomingRecord, type Peek, systemTimers, type Timers } from '@unwind/runtime'
import type { Adapter, FenceReport } from '../adapter/port.js'
import { Attempts } from './attempts.js'
import { Entries, type Entry, halt } from './entries.js'
import { FenceQueue } from './fences.js'
import { foldPast, isOlder, wasTriedHere } from './past.js'
import { type ReadHistory, Recall } from './recall.js'
import { Reconciliations } from './reconcile.js'
import { Relevance } from './relevance.js'

export interface LoopOptions {
  readonly me: Participant
  readonly adapter: Adapter
  /** Steps that may be under way at once in this process. */
  readonly concurrency: number
  /** Publishes an event. Rejects when it could not be made sure; that ends the process, and a restart refolds. */
  send(event: LedgerEvent, traceparent: string | null): Promise<unknown>
  isLive(partition: number): boolean
  /** Reads the ledger again, where a record came late. Absent: each is taken as if it had not. */
  readonly history?: ReadHistory
  /** What clocks may differ, ms. Default: `CLOCK_MARGIN_MS`. */
  readonly clockMarginMs?: number
  failpoint(name: string): Promise<void>
  onFatal(error: Error): void
  readonly logger: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
  readonly metrics: LoopMetrics
  /** Records what an undo did as an action under the rollback's ID. Absent: the target captures it by itself. */
  recordAction?(event: EventOf<'ActionRecorded'>, traceparent: string | null): Promise<unknown>
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

/**
 * The sidecar's loop: ledger events in, effects outside the handler, outcomes out. It holds no database; what it knows
 * is the fold of the ledger from the oldest unsettled rollback on. Every decision is `participate`'s.
 */
export class SidecarLoop {
  readonly #entries: Entries
  readonly #attempts: Attempts
  readonly #fences: FenceQueue
  readonly #reconciliations: Reconciliations
  readonly #relevance: Relevance
  readonly #recall: Recall | null
  readonly #timers: Timers

  constructor(private readonly options: LoopOptions) {
    const { me, adapter, concurrency, logger, metrics, history, timers = systemTimers } = options
    const now = () => options.now()
    this.#timers = timers
    this.#entries = new Entries(me, (fields, message) => logger.warn(fields, message))
    this.#reconciliations = new Reconciliations(options)
    this.#relevance = new Relevance(me.system)
    const { clockMarginMs = CLOCK_MARGIN_MS } = options
    this.#recall = history ? new Recall({ history, clockMarginMs, logger, timers, now }) : null
    this.#attempts = new Attempts({
      me,
      adapter,
      concurrency,
      timers,
      failpoint: name => options.failpoint(name),
      metrics,
      onAttempt: intent => options.onAttempt?.(intent),
      now,
      holds: entry => this.#entries.has(entry) && !this.#attempts.signal.aborted,
      emit: (entry, event) => this.#emit(entry, event),
      record: (entry, events) => this.#record(entry, events),
      input: (entry, input) => this.#input(entry.rollbackId, input),
    })
    this.#fences = new FenceQueue(adapter, this.#attempts.signal, report => this.#onFence(report))
  }

  /** Rollbacks that this process knows, and steps at work: for readiness and metrics. */
  get open(): { rollbacks: number; attempts: number } {
    return { rollbacks: this.#entries.size, attempts: this.#attempts.underWay }
  }

  /** @param record its place and time; absent: only asked, nothing is read. */
  wants(peek: Peek, record?: Pick<IncomingRecord, 'partition' | 'timestamp'>): boolean {
    const wanted = this.#concernsUs(peek)
    if (record) {
      const overlooked = !wanted && !this.#entries.get(peek.rollbackId ?? '')
      this.#recall?.onRecord(peek, record, overlooked)
    }
    return wanted
  }

  #concernsUs(peek: Peek): boolean {
    const asked = this.#reconciliations.wants(peek)
    if (asked !== null) return asked
    const { type, rollbackId } = peek
    // Without the headers of an event it is nobody's request; the coordinator sets it aside.
    if (type === null || rollbackId === null) return false
    const entry = this.#entries.get(rollbackId)
    if (type === 'RollbackRequested') return entry !== undefined || !this.#entries.isOver(peek)
    // A late copy of a command carries a plan too: it must not begin what has ended here (I5).
    if (!entry) return type === 'OperatorCommandIssued' && !this.#entries.ended(rollbackId)
    const { system } = this.options.me
    // Of an ended rollback, every fold takes only what may open it again (I8).
    if (this.#entries.isKeptClosed(entry))
      return type === 'RollbackClosed' || (type === 'LateActionDetected' && peek.system === system)
    switch (type) {
      case 'OperatorCommandIssued':
      case 'RollbackClosed':
      case 'GateOpened':
      case 'SystemFenced':
        return true
      case 'LateActionDetected':
      // Others wait for outcomes, not for intents. Also where the attempt runs here: whether a command fits depends on it,
      // and every fold of the ledger must come to the same (I8).
      case 'CompensationStarted':
        return peek.system === system
      case 'CompensationCompleted':
      case 'CompensationFailed':
      case 'StepParked':
        return peek.stepId === null || this.#relevance.has(entry.state, peek.stepId)
      default:
        return false
    }
  }

  /** @returns a promise while what happened before is read: until then the partition waits. */
  onEvent(followed: Followed): void | Promise<void> {
    if (this.#reconciliations.onEvent(followed)) return
    const event = followed.event as LedgerEvent
    const begins = event.type === 'RollbackRequested' || event.type === 'OperatorCommandIssued'
    if (!begins) return this.#take(followed)
    if (this.#isElsewhere(followed, event)) return
    const entry = this.#entries.get(event.data.rollbackId)
    if (entry && !isOlder(event, entry)) return this.#take(followed)
    const unsure = entry !== undefined || wasTriedHere(event, this.options.me.system)
    const known = this.#entries.ended(event.data.rollbackId) ?? (unsure ? { requestedAt: null } : undefined)
    const before = this.#recall?.before(event, followed.position, known)
    if (before) return before.then(history => this.#begin(history, followed))
    if (entry) return this.#take(followed)
    this.#begin([], followed)
  }

  /** As if all that was passed over had been read: it moves the rollback, and nothing is done about it until the event itself. */
  #begin(history: readonly Followed[], followed: Followed): void {
    const { rollbackId } = followed.event.data as LedgerEvent['data']
    if (history.length > 0) this.#entries.forgetAll(rollbackId)
    for (const step of foldPast(history, followed)) {
      if (step.kind === 'reopen') this.#entries.reopen(rollbackId)
      else if (this.wants(peekOf(step.past))) this.#take(step.past)
    }
    const entry = this.#entries.get(rollbackId)
    // Who is started next finds the rest from here, by reading back as we did.
    if (entry && history.length > 0) entry.readFrom = followed.position.offset
    if (this.wants(peekOf(followed))) this.#take(followed)
    if (!this.#entries.get(rollbackId)) this.#recall?.pass({ rollbackId }, followed.position.partition)
    else if (history.length > 0 && followed.live) this.#input(rollbackId, { kind: 'tick' })
  }

  #take(followed: Followed): void {
    const event = followed.event as LedgerEvent
    if (this.#isElsewhere(followed, event)) return
    if (event.type === 'RollbackClosed') this.#entries.close(event.data)
    else this.#input(event.data.rollbackId, { kind: 'event', event }, followed)
  }

  /** The partition's history is folded: act on what is open in it. */
  onLive(partition: number): void {
    for (const { rollbackId } of this.#entries.all(partition)) this.#input(rollbackId, { kind: 'tick' })
    this.#reconciliations.onLive(partition)
    this.#recall?.onLive(partition)
  }

  onReleased(partition: number): void {
    for (const entry of this.#entries.all(partition)) this.#entries.forget(entry)
    this.#reconciliations.onReleased(partition)
    this.#recall?.onReleased(partition)
  }

  oldestNeeded(partition: number): bigint | null {
    const open = this.#entries.oldestNeeded(partition, () => {
      void this.options.failpoint('sidecar.before-commit').catch(this.options.onFatal)
    })
    const asked = this.#reconciliations.oldestNeeded(partition)
    return open === null || (asked !== null && asked < open) ? asked : open
  }

  /** Starts nothing new and waits for what is under way, at most `ms`; then gives it up (a restart finds out how it ended). */
  async drain(ms: number): Promise<void> {
    this.#recall?.stop()
    await this.#attempts.drain(ms)
    await this.#reconciliations.stop()
    for (const entry of this.#entries.all()) this.#entries.forget(entry)
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

  #input(rollbackId: string, input: ParticipantInput, followed?: Followed): void {
    const entry = this.#entries.get(rollbackId)
    const partition = entry?.partition ?? followed?.position.partition
    if (partition === undefined) return
    const live = followed?.live ?? this.options.isLive(partition)
    const before = entry?.state ?? null
    const { state, commands } = participate(this.options.me, before, input, this.options.now(), live)
    if (state === null) return
    const current = entry ?? (followed ? this.#entries.begin(state, followed) : null)
    if (!current) return
    if (entry) this.#entries.update(entry, state, followed ?? null)
    haltIfStopped(current, state)
    if (followed?.traceparent) current.traceparent = followed.traceparent
    for (const command of commands) this.#run(current, command)
  }

  #run(entry: Entry, command: ParticipantCommand): void {
    switch (command.kind) {
      case 'emit':
        void this.#emit(entry, command.event)
        return
      case 'fence':
        this.#fences.push({ correlationId: entry.correlationId, rollbackId: entry.rollbackId })
        return
      case 'attempt':
        this.#attempts.run(entry, command)
        return
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

  async #record(entry: Entry, events: readonly EventOf<'ActionRecorded'>[]): Promise<boolean> {
    const { recordAction } = this.options
    if (!recordAction || events.length === 0) return true
    try {
      await Promise.all(events.map(event => recordAction(event, entry.traceparent)))
      return true
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error))
      this.options.onFatal(new Error(`cannot record what ${entry.rollbackId} undid`, { cause }))
      return false
    }
  }

  #onFence(report: FenceReport): void {
    const { rollbackId } = report
    const entry = this.#entries.get(rollbackId)
    if (!entry) return
    if (report.kind === 'fenced') this.#input(rollbackId, { kind: 'fenced', found: report.found })
    else {
      const { code, message } = report
      this.options.logger.warn(
        { rollbackId, correlationId: entry.correlationId, code },
        `fence failed: ${message}`,
      )
      this.#input(rollbackId, { kind: 'fence-failed', code, message })
    }
    this.#entries.fenced(entry)
  }
}

/** What its headers said. */
function peekOf({ event }: Followed): Peek {
  return { type: event.type, eventId: event.data.eventId, ...routingOf(event) }
}

function haltIfStopped(entry: Entry, { rollback }: Participation): void {
  if (rollback.phase !== 'running' || entry.halts.size === 0) return
  if (rollback.aborted || rollback.paused) halt(entry, rollback.aborted ? 'abort' : 'pause')
}
