import { gunzipSync } from 'node:zlib'
import type { IncomingRecord } from '../../port.js'
import { crc32c } from './crc32c.js'
import { BATCH_HEADER_BYTES } from './encode-batch.js'
import { HeaderNames, RecordCursor } from './record-cursor.js'

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

export interface Decoded {
  readonly records: readonly IncomingRecord[]
  /** Offset after the last whole batch, whether or not it held records for us. Null: not one whole batch. */
  readonly next: bigint | null
}

/** A batch that no retry makes readable: the log, the disk or the line under it is damaged, or its codec is unknown. */
export class UnreadableBatch extends Error {
  override readonly name = 'UnreadableBatch'
}

const COMPRESSION = 0x07
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/**
 * Decodes what a fetch returned for one partition: whole batches, the last one possibly cut off.
 * @param from records below this offset are left out: a batch is stored and returned whole.
 * @throws UnreadableBatch naming topic, partition and offset.
 */
export function decodeBatches(
  data: Buffer,
  topic: string,
  partition: number,
  from: bigint,
  aborted: readonly AbortedTransaction[] = [],
): Decoded {
  const records: IncomingRecord[] = []
  const names = new HeaderNames()
  const writers = new AbortedWriters(aborted)
  let next: bigint | null = null
  let at = 0
  while (at + BATCH_HEADER_BYTES <= data.length) {
    const length = data.readInt32BE(at + 8) + 12
    if (at + length > data.length) break
    const base = data.readBigInt64BE(at)
    const where = `${topic}/${partition} at offset ${base}`
    const magic = data.readInt8(at + 16)
    if (magic !== 2) {
      throw new UnreadableBatch(
        `Record batch in ${where} has the message format v${magic}; only v2 (Kafka >= 0.11) is read.`,
      )
    }
    if (crc32c(data, at + 21, at + length) !== data.readUInt32BE(at + 17)) {
      throw new UnreadableBatch(
        `Record batch in ${where} fails its checksum: the log or the line to the broker is damaged.`,
      )
    }
    const attributes = data.readInt16BE(at + 21)
    const after = base + BigInt(data.readInt32BE(at + 23)) + 1n
    const hidden = writers.hides(attributes, data.readBigInt64BE(at + 43), after - 1n)
    if (!hidden && after > from) {
      readRecords(data, at, length, attributes, base, where, from, { topic, partition, names, records })
    }
    next = after
    at += length
  }
  return { records, next }
}

/** What an aborted transaction wrote lies in the log, but nobody said it; broker and markers tell where it ends. */
class AbortedWriters {
  readonly #ahead: AbortedTransaction[]
  readonly #open = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#ahead = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  }

  /** Control batches and batches of an aborted transaction hold nothing for readers. */
  hides(attributes: number, producerId: bigint, lastOffset: bigint): boolean {
    while (this.#ahead.length > 0 && this.#ahead[0]!.firstOffset <= lastOffset) {
      this.#open.add(this.#ahead.shift()!.producerId)
    }
    if ((attributes & CONTROL) !== 0) {
      this.#open.delete(producerId)
      return true
    }
    return (attributes & TRANSACTIONAL) !== 0 && this.#open.has(producerId)
  }
}

interface Sink {
  readonly topic: string
  readonly partition: number
  readonly names: HeaderNames
  readonly records: IncomingRecord[]
}

function readRecords(
  data: Buffer,
  at: number,
  length: number,
  attributes: number,
  base: bigint,
  where: string,
  from: bigint,
  sink: Sink,
): void {
  const first = Number(data.readBigInt64BE(at + 27))
  const appended = (attributes & LOG_APPEND_TIME) !== 0 ? Number(data.readBigInt64BE(at + 35)) : null
  const body = decompress(
    data.subarray(at + BATCH_HEADER_BYTES, at + length),
    attributes & COMPRESSION,
    where,
  )
  const cursor = new RecordCursor(body)
  const count = data.readInt32BE(at + 57)
  for (let i = 0; i < count; i++) {
    const end = cursor.varint() + cursor.at
    cursor.at++
    const timestamp = appended ?? first + cursor.varlong()
    if (appended !== null) cursor.varlong()
    const offset = base + BigInt(cursor.varint())
    if (offset >= from) {
      sink.records.push({
        topic: sink.topic,
        partition: sink.partition,
        offset,
        timestamp,
        key: cursor.text(),
        value: cursor.bytes(),
        headers: cursor.headers(sink.names),
      })
    }
    cursor.at = end
  }
}

function decompress(body: Buffer, codec: number, where: string): Buffer {
  if (codec === 0) return body
  if (codec === 1) return gunzipSync(body)
  throw new UnreadableBatch(
    `Record batch in ${where} is compressed with ${CODECS[codec] ?? `codec ${codec}`}, which is not supported: ` +
      'let its producer send uncompressed or gzip, or set compression.type=gzip on the topic.',
  )
}
