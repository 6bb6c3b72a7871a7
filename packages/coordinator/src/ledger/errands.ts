import type { LedgerEvent } from '@unwind/contracts'
import type { CoordinationInput } from '@unwind/core'
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
      const reason = error instanceof Error ? error.message : String(error)
      logger.warn({ rollbackId, correlationId, reason }, 'the actions cannot be read, so planning waits')
      this.back(entry, {
        kind: 'no-actions',
        message: `it cannot be planned yet: ${reason}`,
        hint:
          error instanceof TooManyRecords
            ? error.hint
            : 'see to Redis and the projector of the coordinator; planning goes on by itself when they are back',
        retryAt: now() + RETRY_MS,
      })
    }
  }

  async look(entry: Entry, systems: readonly string[]): Promise<void> {
    const { partition, requestedAt } = entry
    const facts = await this.options.factsOf(systems, { partition, offset: requestedAt })
    this.back(entry, { kind: 'facts', facts })
  }
}
