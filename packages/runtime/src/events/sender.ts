import {
  buildHeaders,
  categoryOf,
  createEventEncoder,
  keyOf,
  type TopicNames,
  topicFor,
  type UnwindEvent,
} from '@unwind/contracts'
import type { EventLog, WrittenAt } from '../kafka/port.js'
import type { EventRegistry } from '../registry/event-registry.js'
import type { SigningKey } from '../signing/keys.js'
import { createSealer } from '../signing/sealer.js'
import type { TrustStore } from '../signing/trust-store.js'

export interface SenderOptions {
  readonly log: EventLog
  readonly topics: TopicNames
  readonly registry: EventRegistry
  /** Signs every batch. */
  readonly key: SigningKey
  /** Of a process that reads its own events back: what it signed it need not verify. */
  readonly trust?: Pick<TrustStore, 'remember'>
  /** CloudEvents source of this process, e.g. "/unwind/sidecar/orders". */
  readonly source: string
  /** Until an event is written or has failed, ms. Default: the producer's. */
  readonly deliveryTimeoutMs?: number
  /** Bytes of one value. Default 900,000. */
  readonly maxValueBytes?: number
}

export interface SendOptions {
  /** W3C traceparent of what caused it. */
  readonly traceparent?: string | null
}

export interface EventSender {
  /**
   * Encodes, signs and writes one event; resolves when it is in the log.
   * Rejects with `EncodeFailed` or `EventTooLarge` before anything is sent, with `PublishFailed` when the outcome is unknown.
   */
  send(event: UnwindEvent, options?: SendOptions): Promise<WrittenAt>
  flush(): Promise<void>
  /** Flushes, then closes. Idempotent. */
  close(): Promise<void>
}

export async function createEventSender(options: SenderOptions): Promise<EventSender> {
  const { topics, source } = options
  const encoder = createEventEncoder({
    schemaIds: options.registry.schemaIds,
    ...(options.maxValueBytes === undefined ? {} : { maxValueBytes: options.maxValueBytes }),
  })
  const producer = await options.log.producer({
    seal: createSealer(options.key, options.trust),
    ...(options.deliveryTimeoutMs === undefined ? {} : { deliveryTimeoutMs: options.deliveryTimeoutMs }),
  })
  return {
    async send(event, { traceparent = null } = {}) {
      const { value, version } = encoder.encode(event)
      const headers = buildHeaders(event, { version, source, traceparent })
      return producer.publish({
        topic: topicFor(categoryOf(event.type), topics),
        key: keyOf(event),
        value,
        headers,
      })
    },
    flush: () => producer.flush(),
    close: () => producer.close(),
  }
}
