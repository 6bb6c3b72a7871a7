import {
  type LogProducer,
  type OutgoingRecord,
  type ProducerOptions,
  PublishFailed,
  type WrittenAt,
} from '../port.js'
import { messageOf } from './failures.js'
import type { Link } from './link.js'
import { Pace, SEND_PACE } from './pace.js'
import { tooLarge } from './publish-failures.js'
import { type Parcel, SendQueue } from './send-queue.js'
import { type Letter, Sender } from './sender.js'
import type { Settings } from './settings.js'
import { pause } from './timing.js'

/** Sealing adds headers: the batch limit that brokers have by default (1 MiB), less what a batch adds itself. */
const MAX_BUNDLE_BYTES = 1_040_000

/** Records that are worth a send without waiting for more: a batch shares one signature up to here. */
const ENOUGH = 32

/** What is still open when the producer is closed is tried for so long at most, milliseconds. */
const CLOSE_WITHIN_MS = 5_000

/**
 * One send in flight; what is published meanwhile goes out together in the next one, without waiting for more. With
 * two in flight a retry could put the first behind the second, and batches are what makes Kafka fast.
 */
export class Producer implements LogProducer {
  readonly #link: Link
  readonly #settings: Settings
  readonly #queue: SendQueue
  readonly #sender: Sender
  readonly #deliveryTimeoutMs: number
  readonly #seal: ProducerOptions['seal']
  readonly #pace = new Pace(SEND_PACE)
  #scheduled = false
  #sending = false
  #idle: (() => void)[] = []
  #closing: Promise<void> | null = null

  constructor(link: Link, settings: Settings, options: ProducerOptions) {
    this.#link = link
    this.#settings = settings
    this.#queue = new SendQueue(settings.maxBatchBytes, settings.maxBatchRecords)
    this.#sender = new Sender(link, settings.logger, MAX_BUNDLE_BYTES, settings.failpoint)
    this.#deliveryTimeoutMs = options.deliveryTimeoutMs ?? settings.deliveryTimeoutMs
    this.#seal = options.seal
  }

  publish(record: OutgoingRecord): Promise<WrittenAt> {
    if (this.#closing !== null) {
      return Promise.reject(
        new PublishFailed(`The producer is closed; the record for key "${record.key}" was not sent.`),
      )
    }
    const bytes = SendQueue.measure(record)
    if (bytes > this.#settings.maxRecordBytes) {
      return Promise.reject(tooLarge(record, bytes, this.#settings.maxRecordBytes))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ record, bytes, deadline: Date.now() + this.#deliveryTimeoutMs, resolve, reject })
      this.#schedule()
    })
  }

  async flush(): Promise<void> {
    if (this.#queue.length === 0 && !this.#sending) return
    await new Promise<void>(resolve => this.#idle.push(resolve))
  }

  close(): Promise<void> {
    this.#sender.giveUpAfter(CLOSE_WITHIN_MS)
    this.#closing ??= this.flush().finally(() => this.#link.close())
    return this.#closing
  }

  /** At the end of this turn of the event loop: everything published in the same turn shares a send. */
  #schedule(): void {
    if (this.#sending || this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#sending = true
    try {
      while (this.#queue.length > 0) {
        await this.#gather()
        const batch = this.#queue.take()
        this.#pace.note(batch.length, performance.now())
        const sealed = this.#sealed(batch)
        if (sealed === null) continue
        await this.#settings.failpoint('kafka.before-send')
        await this.#deliver(sealed)
      }
    } finally {
      this.#sending = false
    }
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Under load, lets a few milliseconds' worth come together; never while somebody waits for a flush. */
  async #gather(): Promise<void> {
    if (this.#idle.length > 0 || this.#queue.length >= ENOUGH) return
    const wait = this.#pace.gather(performance.now())
    if (wait > 0) await pause(wait)
  }

  /** Whatever goes wrong, every promise that `publish` gave out settles (I1). */
  async #deliver(letters: readonly Letter[]): Promise<void> {
    try {
      await this.#sender.deliver(letters)
    } catch (error) {
      const failure = new PublishFailed(
        `Sending failed unexpectedly; records may or may not be written: ${messageOf(error)} Publish again under the same IDs.`,
        { cause: error },
      )
      for (const letter of letters) letter.reject(failure)
    }
  }

  /** Sealed once per send: a retry sends the same bytes, or the seal would speak of another batch. */
  #sealed(batch: readonly Parcel[]) {
    if (this.#seal === undefined) return batch
    try {
      const sealed = this.#seal(batch.map(parcel => parcel.record))
      if (sealed.length !== batch.length) {
        throw new Error(`The seal returned ${sealed.length} records for ${batch.length}.`)
      }
      return batch.map((parcel, index) => ({ ...parcel, record: sealed[index]! }))
    } catch (error) {
      const failure = new PublishFailed(`Sealing the batch failed, nothing was sent: ${messageOf(error)}`, {
        cause: error,
      })
      for (const parcel of batch) parcel.reject(failure)
      return null
    }
  }
}
