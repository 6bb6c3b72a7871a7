import { apiKeys, Encoder, type WireRequest } from '../internals.js'
import type { AbortedTransaction } from './decode-batch.js'

export interface FetchPartition {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly maxBytes: number
}

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  /** Kafka error code; 0 is none. */
  readonly errorCode: number
  readonly logStart: bigint
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches as they lie in the log. */
  readonly data: Buffer
}

const VERSION = 11
const CONSUMER_REPLICA = -1
const READ_COMMITTED = 1

/** Fetch v11 without a session: what is asked for stands in each request, so a lost response costs nothing. */
export function fetchRequest(options: {
  readonly partitions: readonly FetchPartition[]
  readonly maxWaitMs: number
  readonly maxBytes: number
}): WireRequest {
  return {
    request: {
      apiKey: apiKeys.Fetch,
      apiVersion: VERSION,
      apiName: 'Fetch',
      encode: async () => encode(options),
    },
    response: { decode: async payload => ({ responses: decode(payload) }), parse: async decoded => decoded },
    requestTimeout: options.maxWaitMs,
  }
}

function encode(options: {
  readonly partitions: readonly FetchPartition[]
  readonly maxWaitMs: number
  readonly maxBytes: number
}) {
  const byTopic = new Map<string, FetchPartition[]>()
  for (const one of options.partitions) {
    const list = byTopic.get(one.topic)
    if (list === undefined) byTopic.set(one.topic, [one])
    else list.push(one)
  }
  let size = 25 + 4 + 4 + 2
  for (const [topic, list] of byTopic) size += 2 + Buffer.byteLength(topic) + 4 + list.length * 28
  const buffer = Buffer.allocUnsafe(size)
  let at = buffer.writeInt32BE(CONSUMER_REPLICA, 0)
  at = buffer.writeInt32BE(options.maxWaitMs, at)
  at = buffer.writeInt32BE(1, at)
  at = buffer.writeInt32BE(options.maxBytes, at)
  at = buffer.writeInt8(READ_COMMITTED, at)
  at = buffer.writeInt32BE(0, at)
  at = buffer.writeInt32BE(-1, at)
  at = buffer.writeInt32BE(byTopic.size, at)
  for (const [topic, list] of byTopic) {
    const bytes = Buffer.byteLength(topic)
    at = buffer.writeInt16BE(bytes, at)
    at += buffer.write(topic, at, 'utf8')
    at = buffer.writeInt32BE(list.length, at)
    for (const one of list) {
      at = buffer.writeInt32BE(one.partition, at)
      at = buffer.writeInt32BE(-1, at)
      at = buffer.writeBigInt64BE(one.offset, at)
      at = buffer.writeBigInt64BE(-1n, at)
      at = buffer.writeInt32BE(one.maxBytes, at)
    }
  }
  at = buffer.writeInt32BE(0, at)
  buffer.writeInt16BE(0, at)
  return new Encoder(size).writeBuffer(buffer)
}

function decode(payload: Buffer): FetchedPartition[] {
  const fetched: FetchedPartition[] = []
  // Throttle time, error code and session ID come first; without a session the error stands with each partition.
  let at = 4 + 2 + 4
  const topics = payload.readInt32BE(at)
  at += 4
  for (let t = 0; t < topics; t++) {
    const length = payload.readInt16BE(at)
    const topic = payload.toString('utf8', at + 2, at + 2 + length)
    at += 2 + length
    const partitions = payload.readInt32BE(at)
    at += 4
    for (let p = 0; p < partitions; p++) {
      const partition = payload.readInt32BE(at)
      const errorCode = payload.readInt16BE(at + 4)
      const logStart = payload.readBigInt64BE(at + 22)
      const abortedCount = payload.readInt32BE(at + 30)
      at += 34
      const aborted: AbortedTransaction[] = []
      for (let a = 0; a < abortedCount; a++, at += 16) {
        aborted.push({ producerId: payload.readBigInt64BE(at), firstOffset: payload.readBigInt64BE(at + 8) })
      }
      const size = payload.readInt32BE(at + 4)
      at += 8
      const data = payload.subarray(at, at + Math.max(0, size))
      at += data.length
      fetched.push({ topic, partition, errorCode, logStart, aborted, data })
    }
  }
  return fetched
}
