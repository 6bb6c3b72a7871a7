import type { LedgerEvent, TopicNames, UnwindEvent } from '@unwind/contracts'
import {
  connectKafkajs,
  createEventOpener,
  type EventLog,
  type EventRegistry,
  type LogReader,
  silentLogger,
} from '@unwind/runtime'
import { Story } from './story.js'

/** Reads ledger and actions from their beginning, apart from every process under test, and keeps what the checks need. */
export class LedgerEyes {
  readonly stories = new Map<string, Story>()
  /** Systems whose actions stand in the actions topic, by correlation ID. */
  readonly recorded = new Map<string, Set<string>>()
  /** Told of each event of the ledger from now on. */
  readonly listeners = new Set<(event: LedgerEvent) => void>()
  /** Events of the ledger so far: what moves. */
  events = 0
  /** The log went backwards or away under us. */
  failure: Error | null = null
  readonly #log: EventLog
  readonly #reader: LogReader

  constructor(brokers: readonly string[], topics: TopicNames, registry: EventRegistry) {
    this.#log = connectKafkajs({ brokers, clientId: 'unwind-nemesis-eyes', logger: silentLogger() })
    const opener = createEventOpener({ registry })
    this.#reader = this.#log.reader({
      topics: [topics.rollback, topics.actions],
      from: 'start',
      onRecords: records => {
        for (const record of records) {
          const opened = opener.open(record)
          // What cannot be read was put there as garbage; nobody counts it.
          if (opened instanceof Promise)
            opened.then(one => this.#see(one, record.offset)).catch(() => undefined)
          else this.#see(opened, record.offset)
        }
      },
      onFatal: error => {
        this.failure = error
      },
    })
  }

  start(): Promise<void> {
    return this.#reader.start()
  }

  async stop(): Promise<void> {
    await this.#reader.stop()
    await this.#log.close()
  }

  story(rollbackId: string): Story | undefined {
    return this.stories.get(rollbackId)
  }

  #see(opened: { readonly kind: string; readonly event?: UnwindEvent }, offset: bigint): void {
    const { event } = opened
    if (event === undefined) return
    if (event.type === 'ActionRecorded') {
      const { correlationId, system } = event.data
      const systems = this.recorded.get(correlationId) ?? new Set()
      this.recorded.set(correlationId, systems.add(system))
    }
    if (!('rollbackId' in event.data)) return
    this.events++
    const { rollbackId, correlationId } = event.data
    const story = this.stories.get(rollbackId) ?? new Story(rollbackId, correlationId)
    this.stories.set(rollbackId, story)
    story.take(event as LedgerEvent, offset)
    for (const listener of this.listeners) listener(event as LedgerEvent)
  }
}
