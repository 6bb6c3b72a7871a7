import type { LedgerSource } from '@unwind/cli'
import {
  buildHeaders,
  createEventEncoder,
  type EventEncoder,
  type EventType,
  HEADER,
  keyOf,
  type LedgerEvent,
  SCHEMA_FILES,
} from '@unwind/contracts'
import { signCheckpoint } from '@unwind/coordinator'
import { LedgerChain, type ShownRecord, type SignedCheckpoint } from '@unwind/core'
import {
  createSealer,
  generateKey,
  type PublicKey,
  type SigningKey,
  sha256,
  signingKey,
} from '@unwind/runtime'
import type { Random } from '../simulation/engine/random.js'

export const TOPIC = 'unwind.rollback'
const SCHEMA_IDS = new Map(SCHEMA_FILES.map((file, i) => [file.name as EventType, i + 1]))
const BEGAN = Date.UTC(2026, 0, 2)

/** A ledger as coordinators and sidecars would have written it: signed in batches, with its checkpoints. */
export interface MadeLedger {
  readonly records: ReadonlyMap<number, readonly ShownRecord[]>
  readonly checkpoints: readonly SignedCheckpoint[]
  readonly source: LedgerSource
  readonly trusted: readonly PublicKey[]
  readonly encoder: EventEncoder
  readonly coordinator: SigningKey
  /** In nobody's trust file. */
  readonly stranger: SigningKey
}

/** @param encoder may serve many ledgers: compiling the schemas takes longer than a whole ledger. */
export function makeLedger(random: Random, encoder: EventEncoder, partitions = 2): MadeLedger {
  const pair = generateKey('coordinator:one', ['coordinator'])
  const coordinator = signingKey(pair.privateKey)
  const stranger = signingKey(generateKey('coordinator:one', ['coordinator']).privateKey)
  const records = new Map<number, readonly ShownRecord[]>()
  const checkpoints: SignedCheckpoint[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const made: ShownRecord[] = []
    const total = random.between(40, 90)
    while (made.length < total) {
      const notes = Array.from({ length: random.between(1, 6) }, (_, i) =>
        note(`p${partition}`, made.length + i),
      )
      for (const sealed of seal(coordinator, notes, encoder))
        made.push({ ...sealed, offset: BigInt(made.length) })
    }
    records.set(partition, made)
    const covered = made.slice(0, made.length - random.between(0, 5))
    checkpoints.push(...checkpointsOf(partition, covered, random.between(7, 20), coordinator))
  }
  const source: LedgerSource = {
    topic: TOPIC,
    partitions: [...records.keys()],
    checkpoints: checkpoints.map(checkpoint => ({ checkpoint, writtenAt: 0 })),
    problems: () => [],
    remarks: () => [],
    async *read(partition) {
      yield records.get(partition)!.map(record => ({ kind: 'record' as const, record }))
    },
  }
  return { records, checkpoints, source, trusted: [pair.publicKey], coordinator, stranger, encoder }
}

export function note(of: string, n: number, text = `note ${n}`): LedgerEvent {
  return {
    type: 'NoteAdded',
    data: {
      eventId: `${of}/note/${n}`,
      correlationId: `order-${of}-${n % 7}`,
      rollbackId: `rb-${of}-${n % 7}`,
      occurredAt: BEGAN + n,
      emitter: 'coordinator:one',
      causationId: null,
      author: 'coordinator:one',
      text,
    },
  }
}

export function ledgerEncoder(): EventEncoder {
  return createEventEncoder({ schemaIds: SCHEMA_IDS })
}

/** Encoded and signed in one batch; offsets are the caller's to give. */
export function seal(key: SigningKey, events: readonly LedgerEvent[], encoder: EventEncoder): ShownRecord[] {
  const batch = events.map(event => {
    const { value, version } = encoder.encode(event)
    const headers = buildHeaders(event, { version, source: '/tamper', traceparent: null })
    return { topic: TOPIC, key: keyOf(event), value, headers }
  })
  return createSealer(key)(batch).map(({ key: recordKey, value, headers }, i) => ({
    offset: 0n,
    timestamp: events[i]!.data.occurredAt,
    key: recordKey,
    value,
    headers,
    eventId: headers[HEADER.id] ?? null,
  }))
}

/** One every so many records, and one at the end. */
export function checkpointsOf(
  partition: number,
  records: readonly ShownRecord[],
  every: number,
  key: SigningKey,
): SignedCheckpoint[] {
  const chain = LedgerChain.begin(TOPIC, partition, 0n, sha256)
  const cuts: SignedCheckpoint[] = []
  for (const [i, record] of records.entries()) {
    chain.take(record)
    if (chain.waiting < every && i < records.length - 1) continue
    const checkpoint = chain.cut()
    if (checkpoint) cuts.push(signCheckpoint(key, checkpoint, record.timestamp))
  }
  return cuts
}
