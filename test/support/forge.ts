import {
  buildHeaders,
  categoryOf,
  createEventEncoder,
  keyOf,
  topicFor,
  type UnwindEvent,
} from '@unwind/contracts'
import {
  connectKafkajs,
  createSealer,
  type OutgoingRecord,
  type SigningKey,
  type WrittenAt,
} from '@unwind/runtime'
import { inject } from 'vitest'
import { type KafkaAccess, silent, type World } from './world.js'

/** Writes what no honest process would write: past every check of the senders. */
export class Forge {
  private constructor(
    private readonly world: World,
    private readonly write: (record: OutgoingRecord) => Promise<WrittenAt>,
  ) {}

  /** @param kafka default: the shared stack's. */
  static async open(world: World, kafka?: KafkaAccess): Promise<Forge> {
    // Above the limit of the senders and below the brokers'.
    const options = { clientId: 'forge', logger: silent, maxRecordBytes: 1_020_000, maxBatchBytes: 1_020_000 }
    const log = connectKafkajs({ ...(kafka ?? { brokers: inject('stack').brokers }), ...options })
    const producer = await log.producer()
    world.onClose(() => log.close())
    return new Forge(world, record => producer.publish(record))
  }

  /** The record of an event, complete but for its signature. */
  unsigned(event: UnwindEvent): OutgoingRecord {
    const { topics, registry } = this.world
    const { value, version } = createEventEncoder({
      schemaIds: registry.schemaIds,
      maxValueBytes: 2_000_000,
    }).encode(event)
    const headers = buildHeaders(event, { version, source: '/test/forge', traceparent: null })
    return { topic: topicFor(categoryOf(event.type), topics), key: keyOf(event), value, headers }
  }

  signed(event: UnwindEvent, key: SigningKey): OutgoingRecord {
    return createSealer(key)([this.unsigned(event)])[0]!
  }

  publish(record: OutgoingRecord): Promise<WrittenAt> {
    return this.write(record)
  }
}
