import { connectKafkajs, type EventLog, type LogProducer, silentLogger } from '@unwind/runtime'
import type { Random } from '../../simulation/engine/random.js'
import type { Site } from '../site/site.js'

const EVERY_MS = 400

/** Somebody who writes into the ledger what nobody may take: bytes, and requests without a signature. */
export class Garbage {
  #timer: NodeJS.Timeout | undefined
  written = 0

  private constructor(
    private readonly site: Site,
    private readonly log: EventLog,
    private readonly producer: LogProducer,
    private readonly random: Random,
  ) {}

  static async open(site: Site, random: Random): Promise<Garbage> {
    const brokers = site.options.eyes ?? site.options.endpoints.brokers
    const log = connectKafkajs({ brokers, clientId: 'unwind-nemesis-garbage', logger: silentLogger() })
    return new Garbage(site, log, await log.producer(), random)
  }

  start(): void {
    this.#timer = setInterval(() => void this.#write(), EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  close(): Promise<void> {
    return this.log.close()
  }

  async #write(): Promise<void> {
    const bytes = Array.from({ length: this.random.between(0, 40) }, () => this.random.between(0, 255))
    const record = {
      topic: this.site.ground.topics.rollback,
      key: `garbage-${this.random.between(0, 50)}`,
      value: Buffer.from(bytes),
      headers: this.random.chance(0.5) ? { ce_type: 'unwind.RollbackRequested.v1', ce_id: 'g' } : {},
    }
    await this.producer.publish(record).then(
      () => this.written++,
      // The brokers are away: so is the vandal.
      () => undefined,
    )
  }
}
