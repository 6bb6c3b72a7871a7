import { createHash } from 'node:crypto'
import type { FailureCode, TopicNames } from '@unwind/contracts'
import {
  type EventLog,
  type IncomingRecord,
  type LogProducer,
  type OutgoingRecord,
  RecordTooLarge,
  type WrittenAt,
} from '../kafka/port.js'

/** Header names of the dead-letter topic: those that Spring for Kafka writes, with the values as text. */
export const DEAD_LETTER = {
  topic: 'kafka_dlt-original-topic',
  partition: 'kafka_dlt-original-partition',
  offset: 'kafka_dlt-original-offset',
  timestamp: 'kafka_dlt-original-timestamp',
  group: 'kafka_dlt-original-consumer-group',
  exception: 'kafka_dlt-exception-fqcn',
  message: 'kafka_dlt-exception-message',
  code: 'unwind-code',
  /** Set when the value was too large to be set aside with these headers; it still lies where it was. */
  omitted: 'unwind-omitted-value-sha256',
} as const

export interface Quarantine {
  /** Sets a record aside with its bytes and headers untouched; resolves when it is in the dead-letter topic. */
  quarantine(record: IncomingRecord, code: FailureCode, message: string): Promise<WrittenAt>
  close(): Promise<void>
}

export interface QuarantineOptions {
  readonly log: EventLog
  readonly topics: TopicNames
  /** Consumer group that could not take the record. */
  readonly groupId?: string
}

const MAX_MESSAGE = 2_000

/** Connects at the first record that is set aside; a producer of its own, because sealing would replace the original signature. */
export function createQuarantine(options: QuarantineOptions): Quarantine {
  let connecting: Promise<LogProducer> | null = null
  const producer = () => {
    connecting ??= options.log.producer().catch(error => {
      connecting = null
      throw error
    })
    return connecting
  }
  return {
    async quarantine(record, code, message) {
      const outgoing = deadLetter(record, code, message, options)
      const to = await producer()
      try {
        return await to.publish(outgoing)
      } catch (error) {
        if (!(error instanceof RecordTooLarge) || record.value === null) throw error
        const sha256 = createHash('sha256').update(record.value).digest('hex')
        return to.publish({
          ...outgoing,
          value: null,
          headers: { ...outgoing.headers, [DEAD_LETTER.omitted]: sha256 },
        })
      }
    },
    async close() {
      await connecting?.then(p => p.close())
    },
  }
}

function deadLetter(
  record: IncomingRecord,
  code: FailureCode,
  message: string,
  { topics, groupId }: QuarantineOptions,
): OutgoingRecord {
  return {
    topic: topics.deadLetter,
    // A record without a key still needs one here: where it lay names it.
    key: record.key ?? `${record.topic}/${record.partition}/${record.offset}`,
    value: record.value,
    headers: {
      ...record.headers,
      [DEAD_LETTER.topic]: record.topic,
      [DEAD_LETTER.partition]: String(record.partition),
      [DEAD_LETTER.offset]: String(record.offset),
      [DEAD_LETTER.timestamp]: String(record.timestamp),
      [DEAD_LETTER.exception]: `unwind.${code}`,
      [DEAD_LETTER.message]: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message,
      [DEAD_LETTER.code]: code,
      ...(groupId === undefined ? {} : { [DEAD_LETTER.group]: groupId }),
    },
  }
}
