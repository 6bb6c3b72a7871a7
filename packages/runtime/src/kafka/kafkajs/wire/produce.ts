import { apiKeys, Encoder, type WireRequest } from '../internals.js'

export interface ProducePartition {
  readonly topic: string
  readonly partition: number
  /** One record batch. */
  readonly batch: Buffer
}

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  /** Kafka error code; 0 is none. */
  readonly errorCode: number
  readonly baseOffset: bigint
}

const VERSION = 7
const ALL_IN_SYNC_REPLICAS = -1

/** Produce v7, acks = all, no transaction. The outcome stands with each partition. */
export function produceRequest(partitions: readonly ProducePartition[], timeoutMs: number): WireRequest {
  return {
    request: {
      apiKey: apiKeys.Produce,
      apiVersion: VERSION,
      apiName: 'Produce',
      encode: async () => encode(partitions, timeoutMs),
    },
    response: { decode: async payload => ({ responses: decode(payload) }), parse: async decoded => decoded },
  }
}

function encode(partitions: readonly ProducePartition[], timeoutMs: number) {
  const byTopic = new Map<string, ProducePartition[]>()
  for (const one of partitions) {
    const list = byTopic.get(one.topic)
    if (list === undefined) byTopic.set(one.topic, [one])
    else list.push(one)
  }
  let size = 2 + 2 + 4 + 4
  for (const [topic, list] of byTopic) {
    size += 2 + Buffer.byteLength(topic) + 4
    for (const one of list) size += 8 + one.batch.length
  }
  const buffer = Buffer.allocUnsafe(size)
  let at = buffer.writeInt16BE(-1, 0)
  at = buffer.writeInt16BE(ALL_IN_SYNC_REPLICAS, at)
  at = buffer.writeInt32BE(timeoutMs, at)
  at = buffer.writeInt32BE(byTopic.size, at)
  for (const [topic, list] of byTopic) {
    at = buffer.writeInt16BE(Buffer.byteLength(topic), at)
    at += buffer.write(topic, at, 'utf8')
    at = buffer.writeInt32BE(list.length, at)
    for (const one of list) {
      at = buffer.writeInt32BE(one.partition, at)
      at = buffer.writeInt32BE(one.batch.length, at)
      at += one.batch.copy(buffer, at)
    }
  }
  return new Encoder(size).writeBuffer(buffer)
}

function decode(payload: Buffer): ProducedPartition[] {
  const produced: ProducedPartition[] = []
  const topics = payload.readInt32BE(0)
  let at = 4
  for (let t = 0; t < topics; t++) {
    const length = payload.readInt16BE(at)
    const topic = payload.toString('utf8', at + 2, at + 2 + length)
    at += 2 + length
    const partitions = payload.readInt32BE(at)
    at += 4
    for (let p = 0; p < partitions; p++, at += 30) {
      produced.push({
        topic,
        partition: payload.readInt32BE(at),
        errorCode: payload.readInt16BE(at + 4),
        baseOffset: payload.readBigInt64BE(at + 6),
      })
    }
  }
  return produced
}
