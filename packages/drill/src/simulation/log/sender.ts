import type { UnwindEvent } from '@unwind/contracts'
import { PublishFailed, type WrittenAt } from '@unwind/runtime'
import type { Random } from '../engine/random.js'
import type { Process } from '../process/process.js'
import type { FaultBook } from '../scenario/fault-book.js'
import { type Outgoing, outgoing } from './record.js'
import type { SimLog } from './sim-log.js'

interface Waiting {
  readonly out: Outgoing
  resolve(at: WrittenAt): void
  reject(error: Error): void
}

export interface SenderParts {
  readonly log: SimLog
  readonly random: Random
  readonly faults: FaultBook
  readonly process: Process
  keyId(): string
  /** Whether this record, sent at a moment that is long past, would look as if it had just been made. */
  misleads(out: Outgoing): boolean
}

/** From here on a record is late, ms: whoever reads it may have been started anew since it was sent. */
const LATE_MS = 400

/**
 * What a producer may do by the port: one send in flight, what comes meanwhile goes together; it may write twice, may
 * fail with or without having written, and may re-order what one send holds.
 */
export class SimSender {
  #waiting: Waiting[] = []
  #sending = false

  constructor(private readonly parts: SenderParts) {}

  send(topic: string, event: UnwindEvent): Promise<WrittenAt> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ out: outgoing(topic, event, this.parts.keyId()), resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#sending || this.#waiting.length === 0) return
    this.#sending = true
    const { process, random, faults } = this.parts
    const delay = faults.take('delayed-record', process.name)
      ? random.between(500, 8_000)
      : random.between(0, 3)
    process.quietly(0, () => {
      const batch = this.#waiting
      this.#waiting = []
      this.#fly(batch, delay, faults.clock.now)
    })
  }

  #fly(batch: readonly Waiting[], delay: number, sentAt: number): void {
    const { process, faults, log, misleads } = this.parts
    const { name } = process
    // On the wire it no longer needs the process: a batch that was sent arrives though its sender is dead by then.
    faults.clock.quietly(faults.clock.now + delay, () => {
      if (faults.take('produce-failed', name)) return this.#settle(batch, null)
      const late = faults.clock.now - sentAt > LATE_MS
      if (late && batch.some(({ out }) => misleads(out))) return this.#settle(batch, null)
      if (batch.length > 1 && faults.take('torn-send', name)) {
        // The records of one send may travel in several requests, and the later ones fail.
        log.append(batch[0]!.out)
        return this.#settle(batch, null)
      }
      const order = batch.length > 1 && faults.take('reordered-send', name) ? [...batch].reverse() : batch
      const places = new Map(order.map(item => [item, log.append(item.out)]))
      if (faults.take('duplicate-record', name)) for (const item of order) log.append(item.out)
      if (faults.take('written-but-failed', name)) return this.#settle(batch, null)
      if (faults.take('lost-ack', name)) return this.#again(batch, sentAt)
      this.#settle(batch, places)
    })
  }

  /** The answer was lost: the driver sends the same records again, and only then takes the next. */
  #again(batch: readonly Waiting[], sentAt: number): void {
    const { process, random } = this.parts
    process.quietly(random.between(100, 3_000), () => this.#fly(batch, random.between(0, 3), sentAt))
  }

  #settle(batch: readonly Waiting[], places: ReadonlyMap<Waiting, WrittenAt> | null): void {
    const { process, random } = this.parts
    process.later(random.between(0, 2), () => {
      this.#sending = false
      for (const item of batch) {
        const at = places?.get(item)
        if (at) item.resolve(at)
        else item.reject(new PublishFailed(`${item.out.topic}: no answer from the broker`))
      }
      this.#next()
    })
  }
}
