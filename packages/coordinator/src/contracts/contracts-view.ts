import type { UnwindEvent } from '@unwind/contracts'
import { ContractInvalid, readPublishedContract } from '@unwind/contracts'
import { admits, type ContractFacts, type ContractLookup } from '@unwind/core'
import type { EventLog, EventOpener, IncomingRecord, LogReader, TrustStore } from '@unwind/runtime'

export interface ContractsViewOptions {
  readonly log: EventLog
  readonly topic: string
  readonly opener: EventOpener
  readonly trust: TrustStore
  readonly logger: {
    warn(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  onFatal(error: Error): void
}

/** What is known of the processes of one system. */
export interface Announced {
  /** Latest announcement, epoch ms. */
  readonly at: number
  readonly instance: string
  readonly contractVersion: string
  readonly contractHash: string
  readonly adapter: string
}

const ASK_AGAIN_MS = 1_000

/** The contracts in force, and who announced itself: the whole contracts topic, which is small and compacted. */
export class ContractsView {
  readonly #contracts = new Map<string, ContractFacts>()
  /** By system, epoch ms. */
  readonly #publishedAt = new Map<string, number>()
  readonly #announced = new Map<string, Announced>()
  readonly #reader: LogReader
  readonly #caughtUp: Promise<void>
  #queue: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(private readonly options: ContractsViewOptions) {
    let caughtUp: () => void = () => undefined
    this.#caughtUp = new Promise(resolve => {
      caughtUp = resolve
    })
    this.#reader = options.log.reader({
      topics: [options.topic],
      from: 'start',
      onRecords: records => {
        for (const record of records) this.#queue = this.#queue.then(() => this.#takeSafely(record))
      },
      onCaughtUp: () => {
        this.#queue = this.#queue.then(caughtUp)
      },
      onFatal: error => options.onFatal(error),
    })
  }

  /** Resolves when everything that was published before is known. */
  async start(): Promise<void> {
    await this.#reader.start()
    await this.#caughtUp
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#reader.stop()
  }

  get contracts(): ContractLookup {
    return this.#contracts
  }

  get announced(): ReadonlyMap<string, Announced> {
    return this.#announced
  }

  /** One record that nobody foresaw must not keep those behind it from being read. */
  async #takeSafely(record: IncomingRecord): Promise<void> {
    try {
      await this.#take(record)
    } catch (error) {
      const { topic, partition, offset } = record
      const at = { topic, partition, offset: String(offset) }
      this.options.logger.error(
        { ...at, reason: String(error) },
        'not taken as a contract: it cannot be read',
      )
    }
  }

  async #take(record: IncomingRecord): Promise<void> {
    if (this.#stopped) return
    // Nobody signs a tombstone, so it takes nothing away here: a contract ends by a later version.
    if (record.value === null) return
    const { logger, trust } = this.options
    const at = { topic: record.topic, partition: record.partition, offset: String(record.offset) }
    const verified = trust.verify(record)
    if (!verified.ok) return logger.error(at, `not taken as a contract: ${verified.message}`)
    const opened = await this.#open(record)
    if (!opened) return
    if (opened.kind === 'poison') return logger.error(at, `not taken as a contract: ${opened.message}`)
    const refused = admits(verified.signer, opened.event)
    if (refused) return logger.error(at, `not taken as a contract: ${refused.message}`)
    this.#apply(opened.event, record.timestamp, at)
  }

  /** The registry may be away: contracts wait for it, in their order. */
  async #open(record: IncomingRecord) {
    while (!this.#stopped) {
      try {
        return await this.options.opener.open(record)
      } catch (error) {
        this.options.logger.warn({ reason: String(error) }, 'cannot read a contract yet')
        await new Promise(resolve => setTimeout(resolve, ASK_AGAIN_MS))
      }
    }
    return null
  }

  #apply(event: UnwindEvent, writtenAt: number, at: object): void {
    if (event.type === 'ContractPublished') {
      const { system, document, hash, occurredAt } = event.data
      // A copy of an earlier one, which whoever may write the topic can make, takes nothing back. Nobody can hold a place by
      // a date that has not come yet.
      const publishedAt = Math.min(occurredAt, writtenAt)
      if (publishedAt < (this.#publishedAt.get(system) ?? 0)) {
        const why = 'it was published before the one in force, and written again'
        this.options.logger.warn({ ...at, system }, `not taken as a contract: ${why}`)
        return
      }
      try {
        this.#contracts.set(system, { contract: readPublishedContract(document, hash), hash })
        this.#publishedAt.set(system, publishedAt)
      } catch (error) {
        if (!(error instanceof ContractInvalid)) throw error
        this.options.logger.error({ ...at, system }, `not taken as a contract: ${error.message}`)
      }
    } else if (event.type === 'SidecarAnnounced') {
      const { system, occurredAt, instance, contractVersion, contractHash, adapter } = event.data
      const known = this.#announced.get(system)
      if (!known || known.at <= occurredAt)
        this.#announced.set(system, { at: occurredAt, instance, contractVersion, contractHash, adapter })
    }
  }
}
