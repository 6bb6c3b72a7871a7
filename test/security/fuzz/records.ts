import { HEADER, type TopicNames } from '@unwind/contracts'
import type { OutgoingRecord } from '@unwind/runtime'
import type { Random } from './random.js'

/** How one record is spoilt; several may be applied to the same one. */
type Spoil = (record: OutgoingRecord, random: Random, corpus: readonly OutgoingRecord[]) => OutgoingRecord

const withHeader = (record: OutgoingRecord, name: string, value: string): OutgoingRecord => ({
  ...record,
  headers: { ...record.headers, [name]: value },
})
const changed = (record: OutgoingRecord, change: (bytes: Buffer) => Buffer): OutgoingRecord => ({
  ...record,
  value: record.value && change(Buffer.from(record.value)),
})
const NAMES = Object.values(HEADER)

const SPOILS: Readonly<Record<string, Spoil>> = {
  replayed: record => record,
  garbage: (record, random) => ({ ...record, value: random.bytes(random.below(300)) }),
  'garbage behind an honest prefix': (record, random) =>
    changed(record, bytes => Buffer.concat([bytes.subarray(0, 5), random.bytes(random.below(300))])),
  'cut off': (record, random) => changed(record, bytes => bytes.subarray(0, random.below(bytes.length + 1))),
  'bytes flipped': (record, random) =>
    changed(record, bytes => {
      for (let n = 1 + random.below(4); n > 0 && bytes.length > 0; n--)
        bytes[random.below(bytes.length)] = random.below(256)
      return bytes
    }),
  longer: (record, random) =>
    changed(record, bytes => Buffer.concat([bytes, random.bytes(random.below(50))])),
  'another schema ID': (record, random) =>
    changed(record, bytes => {
      // A bounded set: each unknown ID costs the registry a question.
      if (bytes.length >= 5) bytes.writeUInt32BE(random.pick([0, 1, 2, 3, 5, 7, 99, 2 ** 31, 2 ** 32 - 1]), 1)
      return bytes
    }),
  'counts of a giant': (record, random) =>
    changed(record, bytes => {
      const at = 5 + random.below(Math.max(1, bytes.length - 5))
      return Buffer.concat([bytes.subarray(0, at), Buffer.from('feffffffff7f', 'hex'), bytes.subarray(at)])
    }),
  'a tombstone': record => ({ ...record, value: null }),
  'a foreign header': (record, random) => withHeader(record, random.pick(NAMES), random.text()),
  'a header missing': (record, random) => {
    const { [random.pick(NAMES)]: _, ...headers } = record.headers
    return { ...record, headers }
  },
  'no headers': record => ({ ...record, headers: {} }),
  'another signature': (record, random, corpus) =>
    withHeader(record, HEADER.signature, random.pick(corpus).headers[HEADER.signature] ?? ''),
  'another proof': (record, random, corpus) =>
    withHeader(record, HEADER.proof, random.pick(corpus).headers[HEADER.proof] ?? '0.1.'),
  'a proof of a giant batch': (record, random) =>
    withHeader(record, HEADER.proof, `${random.below(65_536)}.65536.${'A'.repeat(43 * random.below(20))}`),
  "another one's body": (record, random, corpus) => ({ ...record, value: random.pick(corpus).value }),
  'another key': (record, random) => ({ ...record, key: random.text() }),
  'a long key': (record, random) => ({ ...record, key: 'k'.repeat(random.below(60_000)) }),
  'a long header': (record, random) =>
    withHeader(record, random.pick(NAMES), 'h'.repeat(random.below(60_000))),
}

export interface Attempt {
  readonly what: string
  readonly record: OutgoingRecord
}

/** @param corpus honest records, signed. */
export function spoil(random: Random, corpus: readonly OutgoingRecord[], topics: TopicNames): Attempt {
  let record = random.pick(corpus)
  const names = [random.pick(Object.keys(SPOILS))]
  while (random.chance(0.3)) names.push(random.pick(Object.keys(SPOILS)))
  for (const name of names) record = SPOILS[name]!(record, random, corpus)
  if (random.chance(0.1)) {
    const topic = random.pick([topics.rollback, topics.actions, topics.contracts])
    record = { ...record, topic }
    names.push('in another topic')
  }
  return { what: names.join(', '), record }
}
