import type { LedgerEvent } from '@unwind/contracts'
import { type CoordinationInput, evolve, unreadable } from '@unwind/core'
import { TooManyRecords } from '../catalogue/record-source.js'
import type { Entry } from './entries.js'
import type { LoopOptions } from './loop-options.js'

const RETRY_MS = 1_000

/** What a decision sends the loop out for: it takes its time, and what comes of it is a new input for the rollback. */
export class Errands {
  /** @param back takes what came of it, unless the rollback is no longer held here. */
  constructor(
    private readonly options: LoopOptions,
    private readonly back: (entry: Entry, input: CoordinationInput) => void,
  ) {}

  async emit(entry: Entry, event: LedgerEvent): Promise<void> {
    const { send, metrics, logger, now } = this.options
    try {
      await send(event, entry.traceparent)
      metrics.emitted(event)
    } catch (error) {
      const { rollbackId, correlationId } = entry
      logger.error(
        { rollbackId, correlationId, eventType: event.type, reason: String(error) },
        `${event.type} could not be made sure in the ledger; it is said again`,
      )
      this.back(entry, { kind: 'not-written', eventId: event.data.eventId, retryAt: now() + RETRY_MS })
    }
  }

  async readActions(entry: Entry): Promise<void> {
    const { actionsOf, metrics, now, logger } = this.options
    const began = performance.now()
    try {
      this.back(entry, await actionsOf(entry.correlationId))
      metrics.planned((performance.now() - began) / 1_000)
    } catch (error) {
      const { rollbackId, correlationId } = entry
      const reason = reasonOf(error)
      logger.warn({ rollbackId, correlationId, reason }, 'the actions cannot be read, so planning waits')
      this.back(entry, {
        kind: 'no-actions',
        message: `it cannot be planned yet: ${reason}`,
        hint: hintOf(error),
        retryAt: now() + RETRY_MS,
      })
    }
  }

  /** What happened before it was read here cannot be read, for long enough that somebody should know. Rejects when that could not be written. */
  async tellUnread(event: LedgerEvent, error: unknown): Promise<void> {
    const { me, now, send, metrics } = this.options
    const rollback = evolve(null, event)
    if (rollback === null) return
    const message = `it cannot be ${rollback.phase === 'proposed' ? 'planned' : 'followed'} yet: ${reasonOf(error)}`
    const alarm = unreadable(me, { rollback }, { message, hint: hintOf(error) }, now())
    await send(alarm, null)
    metrics.emitted(alarm)
  }

  async look(entry: Entry, systems: readonly string[]): Promise<void> {
    const { partition, requestedAt } = entry
    const facts = await this.options.factsOf(systems, { partition, offset: requestedAt })
    this.back(entry, { kind: 'facts', facts })
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function hintOf(error: unknown): string {
  return error instanceof TooManyRecords
    ? error.hint
    : 'see to Redis and the projector of the coordinator; planning goes on by itself when they are back'
}
