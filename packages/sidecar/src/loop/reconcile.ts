import {
  type EventOf,
  eventIds,
  idempotencyKey,
  PlanMismatch,
  type PlanStep,
  type ReconciliationFinding,
  type ReconciliationResult,
  thawPlan,
} from '@unwind/contracts'
import type { Participant } from '@unwind/core'
import type { Followed, Peek } from '@unwind/runtime'
import type { Adapter, StepWork } from '../adapter/port.js'
import { Limiter } from './limiter.js'
import { readBack } from './read-back.js'

export interface ReconciliationsOptions {
  readonly me: Participant
  readonly adapter: Adapter
  /** Publishes an event; rejects when it could not be made sure, and a restart reads the request again. */
  send(event: EventOf<'ReconciliationReported'>, traceparent: string | null): Promise<unknown>
  onFatal(error: Error): void
  readonly logger: { warn(fields: object, message: string): void }
  /** Epoch ms. */
  now(): number
}

interface Asked {
  readonly request: EventOf<'ReconciliationRequested'>['data']
  readonly steps: readonly PlanStep[]
  readonly partition: number
  readonly offset: bigint
  readonly traceparent: string | null
  readonly abort: AbortController
  running: boolean
}

/** Reads beside the undoing, never in front of it. */
const AT_ONCE = 2
/** Requests that were answered lately: a copy of one is not worth another look. */
const REMEMBER = 10_000

/**
 * Reads back again what this system's steps restored, when the ledger asks for it. Nothing is ever changed by it. A request that has
 * not been answered holds the offset, so that whoever has the partition next answers it (I1); the answer's ID follows from the
 * request, so that one which two processes gave is folded once.
 */
export class Reconciliations {
  readonly #open = new Map<string, Asked>()
  readonly #answered = new Set<string>()
  readonly #limiter = new Limiter(AT_ONCE)
  readonly #running = new Set<Promise<void>>()

  constructor(private readonly options: ReconciliationsOptions) {}

  get open(): number {
    return this.#open.size
  }

  /** Null: no business of this one. */
  wants({ type, system, rollbackId }: Peek): boolean | null {
    if (rollbackId === null) return null
    if (type === 'ReconciliationRequested') return true
    if (type === 'ReconciliationReported') return system === this.options.me.system
    return null
  }

  /** @returns false: the event is no business of this one. */
  onEvent({ event, position, live, traceparent }: Followed): boolean {
    if (event.type === 'ReconciliationReported') {
      // Its own answer, of this process or of the one before it.
      this.#settle(event.data.causationId ?? '')
      return true
    }
    if (event.type !== 'ReconciliationRequested') return false
    const { eventId } = event.data
    if (this.#open.has(eventId) || this.#answered.has(eventId)) return true
    const steps = this.#stepsOf(event.data)
    if (steps.length === 0) return true
    const { partition, offset } = position
    this.#open.set(eventId, {
      request: event.data,
      steps,
      partition,
      offset,
      traceparent,
      abort: new AbortController(),
      running: false,
    })
    if (live) this.#begin(eventId)
    return true
  }

  onLive(partition: number): void {
    for (const [eventId, asked] of [...this.#open]) if (asked.partition === partition) this.#begin(eventId)
  }

  onReleased(partition: number): void {
    for (const [eventId, asked] of [...this.#open]) {
      if (asked.partition !== partition) continue
      asked.abort.abort()
      this.#open.delete(eventId)
    }
  }

  oldestNeeded(partition: number): bigint | null {
    let oldest: bigint | null = null
    for (const asked of this.#open.values())
      if (asked.partition === partition && (oldest === null || asked.offset < oldest)) oldest = asked.offset
    return oldest
  }

  /** Gives up what is under way: the request stays in the ledger, and a read has left nothing behind. */
  async stop(): Promise<void> {
    this.#limiter.close()
    for (const { abort } of this.#open.values()) abort.abort()
    await Promise.allSettled([...this.#running])
  }

  #stepsOf(request: Asked['request']): readonly PlanStep[] {
    const { system } = this.options.me
    try {
      return thawPlan(request, request).steps.filter(step => step.system === system)
    } catch (error) {
      if (!(error instanceof PlanMismatch)) throw error
      const { rollbackId, correlationId, eventId } = request
      this.options.logger.warn({ rollbackId, correlationId }, `${eventId} is passed over: ${error.message}`)
      return []
    }
  }

  #begin(eventId: string): void {
    const asked = this.#open.get(eventId)
    if (!asked || asked.running) return
    asked.running = true
    const job: Promise<void> = this.#limiter
      .run(() => this.#answer(asked))
      .catch(error => this.#failed(asked, error))
      .finally(() => this.#running.delete(job))
    this.#running.add(job)
  }

  async #answer(asked: Asked): Promise<void> {
    const { request, steps, abort } = asked
    if (abort.signal.aborted) return
    const { me, now } = this.options
    const results: ReconciliationResult[] = []
    const findings: ReconciliationFinding[] = []
    for (const step of steps) {
      const work = workOf(asked, step)
      results.push(await readBack(this.options.adapter, work, step.system, abort.signal))
      findings.push(...(await this.#inspect(work, abort.signal)))
    }
    // Lost the partition meanwhile, or stopped: whoever comes next reads it anew.
    if (abort.signal.aborted || !this.#open.has(request.eventId)) return
    const { rollbackId, correlationId, eventId, requestedBy } = request
    await this.options.send(
      {
        type: 'ReconciliationReported',
        data: {
          eventId: eventIds.reconciled(eventId, me.system),
          correlationId,
          rollbackId,
          occurredAt: now(),
          emitter: me.principal,
          causationId: eventId,
          requestedBy,
          system: me.system,
          results,
          findings: distinct(findings),
        },
      },
      asked.traceparent,
    )
    this.#settle(eventId)
  }

  async #inspect(work: StepWork, signal: AbortSignal): Promise<readonly ReconciliationFinding[]> {
    try {
      return (await this.options.adapter.inspect?.(work, signal)) ?? []
    } catch (error) {
      const { rollbackId, correlationId, stepId } = work
      this.options.logger.warn(
        { rollbackId, correlationId, stepId, reason: String(error) },
        'the target could not be searched for replicas and transactions that differ',
      )
      return []
    }
  }

  #settle(eventId: string): void {
    this.#open.delete(eventId)
    this.#answered.add(eventId)
    if (this.#answered.size > REMEMBER) this.#answered.delete(this.#answered.values().next().value!)
  }

  #failed({ request, abort }: Asked, error: unknown): void {
    if (abort.signal.aborted) return
    const cause = error instanceof Error ? error : new Error(String(error))
    this.options.onFatal(
      new Error(`cannot write ReconciliationReported of ${request.rollbackId} to the ledger`, { cause }),
    )
  }
}

function workOf({ request, traceparent }: Asked, { stepId, actions }: PlanStep): StepWork {
  const { rollbackId, correlationId } = request
  // The undo's key, never used to write here: kept rows and effect records are found by it.
  const key = idempotencyKey(rollbackId, stepId)
  return { rollbackId, correlationId, stepId, key, actions, resolution: null, traceparent }
}

/** What concerns the whole system is found with each of its steps. */
function distinct(findings: readonly ReconciliationFinding[]): ReconciliationFinding[] {
  const seen = new Set<string>()
  return findings.filter(({ kind, subject }) => {
    const name = `${kind}\n${subject}`
    return !seen.has(name) && seen.add(name)
  })
}
