import { setMaxListeners } from 'node:events'
import { type EventOf, eventIds, idempotencyKey, type LedgerEvent } from '@unwind/contracts'
import {
  type AttemptResult,
  compensationsOf,
  mayBegin,
  type Participant,
  type ParticipantCommand,
  type ParticipantInput,
} from '@unwind/core'
import type { Cancel, Timers } from '@unwind/runtime'
import type { Adapter } from '../adapter/port.js'
import { Announcement } from './announcement.js'
import { runAttempt } from './attempt.js'
import type { Entry } from './entries.js'
import { Limiter } from './limiter.js'
import { ProgressNotes } from './progress.js'

type AttemptCommand = Extract<ParticipantCommand, { kind: 'attempt' }>

export interface AttemptsOptions {
  readonly me: Participant
  readonly adapter: Adapter
  readonly concurrency: number
  readonly timers: Timers
  failpoint(name: string): Promise<void>
  readonly metrics: { attempt(outcome: string, durationMs: number): void }
  onAttempt?(intent: LedgerEvent): void
  /** Epoch ms. */
  now(): number
  /** This process still holds the rollback. */
  holds(entry: Entry): boolean
  /** False: it could not be written, and the process ends. */
  emit(entry: Entry, event: LedgerEvent): Promise<boolean>
  /** What an undo did, as actions of its own. False: they could not be written, and the process ends. */
  record(entry: Entry, events: readonly EventOf<'ActionRecorded'>[]): Promise<boolean>
  input(entry: Entry, input: ParticipantInput): void
}

/** The attempts of this process: outside the handler, so many at once, each told to the ledger and given back as an input. */
export class Attempts {
  readonly #limiter: Limiter
  readonly #underWay = new Set<Promise<void>>()
  readonly #abort = new AbortController()

  constructor(private readonly options: AttemptsOptions) {
    this.#limiter = new Limiter(options.concurrency)
    // Every attempt under way listens to it.
    setMaxListeners(0, this.#abort.signal)
  }

  get underWay(): number {
    return this.#underWay.size
  }

  /** Aborted when what is under way is given up. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  run(entry: Entry, command: AttemptCommand): void {
    const running = this.#limiter
      .run(() => this.#attempt(entry, command))
      .finally(() => this.#underWay.delete(running))
    this.#underWay.add(running)
  }

  /** Starts nothing new and waits for what is under way, at most `ms`; then gives it up. */
  async drain(ms: number): Promise<void> {
    this.#limiter.close()
    let expire: Cancel = () => {}
    const expired = new Promise<void>(resolve => {
      expire = this.options.timers.after(ms, resolve)
    })
    await Promise.race([Promise.allSettled([...this.#underWay]), expired])
    expire()
    this.#abort.abort()
  }

  async #attempt(entry: Entry, command: AttemptCommand): Promise<void> {
    const { options } = this
    if (!options.holds(entry)) return
    await options.failpoint('sidecar.before-intent')
    if (!options.holds(entry)) return
    const { stepId, work: decided } = command
    if (!mayBegin(entry.state, stepId, decided, options.now())) {
      options.input(entry, { kind: 'withdrawn', stepId, work: decided })
      return
    }
    options.onAttempt?.(command.intent)
    const announcement = new Announcement(command.announce, options.timers, () =>
      options.emit(entry, command.intent),
    )
    if (!(await announcement.made)) return
    await options.failpoint('sidecar.after-intent')
    const notes = this.#notes(entry, command)
    const stop = new AbortController()
    entry.halts.add(stop)
    const result = await this.#run(entry, command, notes, stop.signal)
    entry.halts.delete(stop)
    // Before the outcome, so that the timeline reads in the order in which it happened.
    notes.end()
    options.metrics.attempt(result.kind === 'proved' ? result.outcome : result.code, result.durationMs)
    const announced = announcement.end()
    // Before the outcome: once that stands in the ledger, nobody looks at this step again (I1).
    if (!(await options.record(entry, this.#compensations(entry, command, result)))) return
    await options.failpoint('sidecar.before-outcome')
    // Lost the partition meanwhile: the new owner finds the effect record or probes, and speaks for it.
    if (!options.holds(entry)) return
    options.input(entry, { kind: 'attempted', stepId, work: decided, announced, result })
  }

  #run(entry: Entry, command: AttemptCommand, notes: ProgressNotes, halt: AbortSignal) {
    const { options, signal } = this
    const { stepId, actions, resolution, firstStartedAt, announce } = command
    const { rollbackId, correlationId, traceparent } = entry
    const key = idempotencyKey(rollbackId, stepId)
    const work = { rollbackId, correlationId, stepId, key, actions, resolution, firstStartedAt, traceparent }
    // A first attempt of a target without effect record is probed too: the request may be a late duplicate (I2).
    const probeFirst = command.probeFirst ? 'settle' : announce === 'first' ? 'glance' : false
    return runAttempt(
      options.adapter,
      { ...work, progress: notes.add, halt },
      { probeFirst, signal, failpoint: options.failpoint, clock: options.timers.elapsed },
    )
  }

  #compensations(entry: Entry, { stepId, actions, probeFirst }: AttemptCommand, result: AttemptResult) {
    const { rollbackId, state } = entry
    const revision = 'plan' in state.rollback ? state.rollback.plan.revision : 1
    const done = { rollbackId, stepId, revision, actions, result, effectPossible: probeFirst }
    return compensationsOf(this.options.me, done, this.options.now())
  }

  #notes(entry: Entry, { stepId, work, intent }: AttemptCommand): ProgressNotes {
    const { options } = this
    const { rollbackId, correlationId } = entry
    const { principal } = options.me
    const common = { rollbackId, correlationId, emitter: principal, author: principal }
    return new ProgressNotes(options.timers, (text, n) => {
      if (!options.holds(entry)) return
      const eventId = eventIds.stepNote(rollbackId, stepId, work.round, work.attempt, n)
      const occurredAt = options.now()
      const causationId = intent.data.eventId
      void options.emit(entry, {
        type: 'NoteAdded',
        data: { ...common, eventId, occurredAt, causationId, text },
      })
    })
  }
}
