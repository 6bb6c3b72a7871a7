import type { EventOf } from '@unwind/contracts'
import { systemTimers, type Timers } from '@unwind/runtime'
import type { CapturedAction, CaptureSource } from '../adapter/port.js'

export interface RelayOptions {
  readonly system: string
  readonly principal: string
  readonly source: CaptureSource
  send(event: EventOf<'ActionRecorded'>): Promise<unknown>
  readonly logger: { warn(fields: object, message: string): void }
  readonly metrics: { relayed(actions: number): void }
  /** Default: none. */
  failpoint?(name: string): Promise<void>
  /** Default: the system's. */
  readonly timers?: Timers
}

const LIMIT = 1_000
const IDLE_MS = { first: 20, most: 250 }
const RETRY_MS = { first: 200, most: 10_000 }

/**
 * Carries what the target captured to the actions topic: read, publish, and only then move the target's cursor. A process
 * that dies between the two publishes again under the same IDs, so nothing is lost and nothing counts twice (I1).
 */
export class Relay {
  readonly #abort = new AbortController()
  #running: Promise<void> | undefined
  /** Ends the sleep at hand. */
  #wake: () => void = () => {}

  constructor(private readonly options: RelayOptions) {}

  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    let idle = IDLE_MS.first
    let retry = RETRY_MS.first
    while (!this.#abort.signal.aborted) {
      try {
        const count = await this.#once()
        retry = RETRY_MS.first
        // A full batch says that more is waiting; an empty one, that polling can slow down.
        idle = count > 0 ? IDLE_MS.first : Math.min(IDLE_MS.most, idle * 2)
        if (count < LIMIT) await this.#sleep(idle)
      } catch (error) {
        if (this.#abort.signal.aborted) return
        const { system } = this.options
        this.options.logger.warn(
          { system, retryInMs: retry, reason: String(error) },
          'relay of captured actions failed, trying again',
        )
        await this.#sleep(retry)
        retry = Math.min(RETRY_MS.most, retry * 2)
      }
    }
  }

  async #once(): Promise<number> {
    const { source, send, metrics, failpoint = async () => undefined } = this.options
    const actions = await source.next(LIMIT, this.#abort.signal)
    const last = actions.at(-1)
    if (!last) return 0
    await failpoint('relay.read')
    await Promise.all(actions.map(action => send(this.#event(action))))
    await failpoint('relay.published')
    await source.published(last)
    await failpoint('relay.moved')
    metrics.relayed(actions.length)
    return actions.length
  }

  #event(action: CapturedAction): EventOf<'ActionRecorded'> {
    const { system, principal } = this.options
    return {
      type: 'ActionRecorded',
      data: {
        eventId: action.actionId,
        correlationId: action.correlationId,
        system,
        action: action.action,
        resource: action.resource,
        occurredAt: action.occurredAt,
        emitter: principal,
        causationId: null,
        data: action.data,
        items: action.items,
        digest: action.digest,
      },
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = (this.options.timers ?? systemTimers).after(ms, resolve)
      // Not assigned as a literal: V8 would put it, and hold all that it reaches, in the old space.
      const wake = () => {
        cancel()
        resolve()
      }
      this.#wake = wake
    })
  }
}
