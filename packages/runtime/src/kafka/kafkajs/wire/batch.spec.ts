import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OutgoingRecord } from '../../port.js'
import { crc32c } from './crc32c.js'
import { decodeBatches, UnreadableBatch } from './decode-batch.js'
import { BATCH_HEADER_BYTES, encodeBatch, recordLength } from './encode-batch.js'

/** The client's own decoder, written by others: what it reads, brokers read. */
const foreign = createRequire(import.meta.url)
const Decoder = foreign('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => object
const decodeForeign = foreign('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<{
  records: {
    key: Buffer
    value: Buffer | null
    headers: Record<string, Buffer>
    offset: string
    timestamp: string
  }[]
}>

/** Inherited names are left out: the other decoder trips over them. */
const header = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(name => !(name in {}))
const records: fc.Arbitrary<OutgoingRecord[]> = fc.array(
  fc.record({
    topic: fc.constant('t'),
    key: fc.string({ unit: 'grapheme', maxLength: 80 }),
    value: fc.option(fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))),
    headers: fc.dictionary(header, fc.string({ unit: 'grapheme', maxLength: 80 }), { noNullPrototype: true }),
  }),
  { minLength: 1, maxLength: 200 },
)

const some = (...values: string[]) =>
  values.map(value => ({ topic: 't', key: 'k', value: Buffer.from(value), headers: {} }))

/** A stored batch has its offset from the broker. */
function at(offset: bigint, batch: Buffer, attributes = 0, producerId = -1n): Buffer {
  const stored = Buffer.from(batch)
  stored.writeBigInt64BE(offset, 0)
  stored.writeInt16BE(attributes, 21)
  stored.writeBigInt64BE(producerId, 43)
  stored.writeUInt32BE(crc32c(stored, 21), 17)
  return stored
}

const values = (data: Buffer, from = 0n, aborted: { producerId: bigint; firstOffset: bigint }[] = []) => {
  const { records: read, next } = decodeBatches(data, 't', 3, from, aborted)
  return { read: read.map(one => `${one.offset}:${one.value}`), next }
}

describe('record batches', () => {
  test('what is encoded is decoded, by this decoder and by another one', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.nat(1_000_000), async (sent, base) => {
        const batch = at(BigInt(base), encodeBatch(sent, 1_700_000_000_123))
        const { records: read, next } = decodeBatches(batch, 't', 3, 0n)
        expect(next).toBe(BigInt(base + sent.length))
        expect(read).toEqual(
          sent.map(({ key, value, headers }, index) => ({
            topic: 't',
            partition: 3,
            offset: BigInt(base + index),
            timestamp: 1_700_000_000_123,
            key,
            value,
            headers,
          })),
        )
        const theirs = (await decodeForeign(new Decoder(batch))).records
        expect(theirs.map(one => [String(one.key), one.value, one.offset, one.timestamp])).toEqual(
          sent.map((one, index) => [one.key, one.value, String(base + index), '1700000000123']),
        )
        expect(
          theirs.map(one => Object.entries(one.headers).map(([name, value]) => [name, String(value)])),
        ).toEqual(sent.map(one => Object.entries(one.headers)))
      }),
      { numRuns: 100 },
    )
  })

  test('the measured length is never below the real one', () => {
    fc.assert(
      fc.property(records, sent => {
        const measured = sent.reduce((sum, one) => sum + recordLength(one), BATCH_HEADER_BYTES)
        expect(encodeBatch(sent, 0).length).toBeLessThanOrEqual(measured)
      }),
    )
  })

  test('records below the position and a batch that is cut off are left out', () => {
    const data = Buffer.concat([
      at(10n, encodeBatch(some('a', 'b', 'c'), 0)),
      at(13n, encodeBatch(some('d'), 0)),
    ])
    expect(values(data, 11n)).toEqual({ read: ['11:b', '12:c', '13:d'], next: 14n })
    expect(values(data.subarray(0, data.length - 1), 11n)).toEqual({ read: ['11:b', '12:c'], next: 13n })
    expect(values(data.subarray(0, 30), 10n)).toEqual({ read: [], next: null })
  })

  test('a damaged batch, an old format and an unknown codec are errors that say where', () => {
    const good = at(7n, encodeBatch(some('a'), 0))
    const damaged = Buffer.from(good)
    damaged[damaged.length - 1]! ^= 1
    expect(() => values(damaged)).toThrow(/t\/3 at offset 7 fails its checksum/)
    const old = Buffer.from(good)
    old[16] = 1
    expect(() => values(old)).toThrow(/message format v1/)
    expect(() => values(at(7n, good, 4))).toThrow(UnreadableBatch)
    expect(() => values(at(7n, good, 4))).toThrow(/compressed with zstd/)
  })

  test('gzip is read', () => {
    const plain = encodeBatch(some('a', 'b'), 0)
    const body = gzipSync(plain.subarray(BATCH_HEADER_BYTES))
    const zipped = Buffer.concat([plain.subarray(0, BATCH_HEADER_BYTES), body])
    zipped.writeInt32BE(zipped.length - 12, 8)
    expect(values(at(5n, zipped, 1))).toEqual({ read: ['5:a', '6:b'], next: 7n })
  })

  test('control batches and aborted transactions are skipped, and the position passes them', () => {
    const TRANSACTIONAL = 0x10
    const CONTROL = 0x30
    const data = Buffer.concat([
      at(0n, encodeBatch(some('aborted'), 0), TRANSACTIONAL, 9n),
      at(1n, encodeBatch(some('plain'), 0)),
      at(2n, encodeBatch(some('marker'), 0), CONTROL, 9n),
      at(3n, encodeBatch(some('kept'), 0), TRANSACTIONAL, 9n),
      at(4n, encodeBatch(some('marker'), 0), CONTROL, 9n),
    ])
    expect(values(data, 0n, [{ producerId: 9n, firstOffset: 0n }])).toEqual({
      read: ['1:plain', '3:kept'],
      next: 5n,
    })
  })
})
