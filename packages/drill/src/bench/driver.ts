import { peekHeaders } from '@unwind/contracts'
import {
  connectKafkajs,
  createEventSender,
  type EventLog,
  type EventSender,
  loadSigningKey,
  openRegistry,
} from '@unwind/runtime'
import type { Template } from './raw/message.js'
import { type BenchSite, CLIENT, keyFile, silent, topicsOf } from './setup.js'
import { type RunFigures, Window } from './window.js'
import { SYSTEMS } from './workload.js'

/** Proposes rollbacks and sees them closed, from outside, through Kafka alone. Correlation IDs are "o<run>-<index>". */
export class Driver {
  #run = 0
  #window: Window | undefined
  #closed = 0
  readonly #endStates = new Map<string, number>()
  readonly #templates = new Map<string, Template>()
  #onCompleted: (rollbackId: string) => void = () => {}
  #stopReader: () => Promise<void> = async () => {}

  private constructor(
    private readonly site: BenchSite,
    readonly log: EventLog,
    readonly sender: EventSender,
  ) {}

  static async open(site: BenchSite): Promise<Driver> {
    const log = connectKafkajs({ brokers: site.brokers, clientId: 'bench-driver', logger: silent })
    const topics = topicsOf(site)
    const registry = await openRegistry({ url: site.registryUrl, topics })
    const key = loadSigningKey(keyFile(site, 'client'))
    const sender = await createEventSender({ log, topics, registry, key, source: '/bench' })
    const driver = new Driver(site, log, sender)
    await driver.#watch()
    return driver
  }

  async close(): Promise<void> {
    await this.#stopReader()
    await this.sender.close()
    await this.log.close()
  }

  /** Records of the last rollbacks, one of each kind: what the raw choreography sends again. */
  get templates(): ReadonlyMap<string, Template> {
    return this.#templates
  }

  /** Number of the run that comes next; its correlation IDs begin with it. */
  get nextRun(): number {
    return this.#run + 1
  }

  /** One action in each system for each of `count` correlation IDs of the next run. */
  async recordActions(count: number): Promise<void> {
    const run = this.nextRun
    const sent: Promise<unknown>[] = []
    for (let i = 0; i < count; i++) {
      for (const system of SYSTEMS) {
        const correlationId = `o${run}-${i}`
        const common = {
          correlationId,
          system,
          action: 'entry.written',
          resource: `entries/${i}`,
          causationId: null,
        }
        const data = {
          ...common,
          eventId: `${system}:${correlationId}`,
          occurredAt: Date.now(),
          emitter: CLIENT,
          data: '{}',
          items: 1,
          digest: null,
        }
        sent.push(this.sender.send({ type: 'ActionRecorded', data }))
      }
    }
    await Promise.all(sent)
  }

  /** Proposes `count` rollbacks with at most `inFlight` open, and times each until it is closed. */
  async run(count: number, inFlight: number, timeoutMs = 180_000): Promise<RunFigures> {
    const run = ++this.#run
    this.#window = new Window(count, inFlight, index => void this.propose(run, index))
    return this.#window.run(timeoutMs)
  }

  async propose(run: number, index: number): Promise<void> {
    const rollbackId = `rb${run}-${index}`
    const data = {
      eventId: `${rollbackId}/proposed`,
      correlationId: `o${run}-${index}`,
      rollbackId,
      occurredAt: Date.now(),
      emitter: CLIENT,
      causationId: null,
      systems: [],
      reason: 'benchmark',
      incidentClass: null,
      release: null,
      trigger: 'service',
      proposedBy: CLIENT,
      supplements: null,
      part: null,
    }
    await this.sender.send({ type: 'RollbackProposed', data })
  }

  /** Resolves when so many rollbacks of a run have a step behind them. */
  untilStarted(run: number, rollbacks: number): Promise<void> {
    return new Promise(resolve => {
      const seen = new Set<string>()
      this.#onCompleted = rollbackId => {
        if (!rollbackId.startsWith(`rb${run}-`)) return
        seen.add(rollbackId)
        if (seen.size >= rollbacks) resolve()
      }
    })
  }

  /** @throws Error unless every rollback was verified: a benchmark of failures would measure nothing. */
  assertAllVerified(): void {
    const other = this.#endStates.get('another') ?? 0
    if (other > 0) throw new Error(`${other} of ${this.#closed} rollbacks did not end RESTORED_VERIFIED`)
  }

  async #watch(): Promise<void> {
    const reader = this.log.reader({
      topics: [topicsOf(this.site).rollback],
      from: 'end',
      onRecords: records => {
        for (const record of records) {
          const { type, stepId, rollbackId } = peekHeaders(record.headers)
          if (type === null || rollbackId === null || record.value === null) continue
          const name = stepId ? `${type}/${stepId}` : type
          if (!this.#templates.has(name))
            this.#templates.set(name, { name, value: record.value, headers: record.headers })
          if (type === 'CompensationCompleted') this.#onCompleted(rollbackId)
          if (type === 'RollbackClosed') this.#onClosed(rollbackId, record.value)
        }
      },
      onFatal: error => {
        throw error
      },
    })
    await reader.start()
    this.#stopReader = () => reader.stop()
  }

  #onClosed(rollbackId: string, value: Buffer): void {
    this.#closed++
    // The end state is a plain string in the Avro body; a search is enough to know whether it is the green one.
    const state = value.includes('RESTORED_VERIFIED') ? 'RESTORED_VERIFIED' : 'another'
    this.#endStates.set(state, (this.#endStates.get(state) ?? 0) + 1)
    const [run, index] = rollbackId.slice(2).split('-').map(Number)
    if (run === this.#run && index !== undefined) this.#window?.done(index)
  }
}
