import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { LedgerChain } from './chain.js'
import { type Checkpoint, checkpointLine, parseCheckpointLine, type SignedCheckpoint } from './checkpoint.js'
import { examineCheckpoints } from './checkpoint-set.js'
import { PartitionVerifier, type ShownRecord } from './verify-partition.js'

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
const at = { topic: 'ledger', partition: 0 }
const record = (offset: number): ShownRecord => ({
  offset: BigInt(offset),
  timestamp: 1_000 + offset,
  key: 'order',
  value: Buffer.from(`value ${offset}`),
  headers: { b: '2', a: '1' },
  eventId: `e${offset}`,
})
const signed = (checkpoint: Checkpoint | null, emitter = 'coordinator:one'): SignedCheckpoint => ({
  ...checkpoint!,
  at: 5,
  keyId: 'k',
  signature: 'c2ln',
  emitter,
})
/** The checkpoint of so many records more. */
const advance = (chain: LedgerChain, offsets: readonly number[], emitter?: string) => {
  for (const offset of offsets) chain.take(record(offset))
  return signed(chain.cut(), emitter)
}
const verify = (
  checkpoints: readonly SignedCheckpoint[],
  offsets: readonly number[],
  witnessed: readonly SignedCheckpoint[] = [],
) => {
  const set = examineCheckpoints({ ...at, checkpoints, witnessed, hash, refused: () => null })
  const verifier = new PartitionVerifier({ ...at, checkpoints: set, start: 0n, hash, refused: () => null })
  for (const offset of offsets) if (!verifier.take(record(offset))) break
  const { provenUpTo, finding } = verifier.end()
  return { provenUpTo, finding: finding && [finding.kind, finding.subject, finding.offset] }
}

describe('a partition', () => {
  const chain = LedgerChain.begin('ledger', 0, 0n, hash)
  const first = advance(chain, [0, 1, 2])
  const second = advance(chain, [3, 4])

  test('is proven up to its last checkpoint, by whoever went on with the chain', () => {
    expect(verify([first, second], [0, 1, 2, 3, 4, 5])).toEqual({ provenUpTo: 5n, finding: null })
    expect(advance(LedgerChain.after(first, hash), [2, 3, 4])).toEqual(second)
  })

  test('that two coordinators proved twice, in other pieces, is proven', () => {
    const other = LedgerChain.after(first, hash)
    const branch = [advance(other, [3], 'coordinator:two'), advance(other, [4, 5], 'coordinator:two')]
    const all = [first, branch[0]!, second, ...branch.slice(1), { ...second, emitter: 'coordinator:two' }]
    expect(verify(all, [0, 1, 2, 3, 4, 5])).toEqual({ provenUpTo: 6n, finding: null })
  })

  test('in which an offset never had a record is proven where a checkpoint saw that, and only there', () => {
    const gaps = LedgerChain.begin('ledger', 0, 0n, hash)
    const seen = advance(gaps, [0, 2, 3])
    expect(verify([seen], [0, 2, 3])).toEqual({ provenUpTo: 4n, finding: null })
    expect(verify([seen], [0, 2, 3, 5]).finding).toEqual(['removed', 'record', 4n])
  })

  test('of which nothing is left but the checkpoints was truncated at its beginning', () => {
    expect(verify([first, second], []).finding).toEqual(['truncated', 'record', 0n])
  })

  test('whose chain begins anew is not proven across the break', () => {
    const anew = advance(LedgerChain.begin('ledger', 0, 3n, hash), [3, 4])
    expect(verify([first, anew], [0, 1, 2, 3, 4]).finding).toEqual(['removed', 'checkpoint', 5n])
  })

  test('that a witness knows to have been longer was truncated, and the first missing record is named', () => {
    expect(verify([first], [0, 1, 2], [first, second]).finding).toEqual(['truncated', 'record', 3n])
  })
})

test('a checkpoint is the same after it was kept as a line, and a changed line is refused', () => {
  const checkpoint = advance(LedgerChain.begin('ledger', 0, 0n, hash), [0])
  const line = checkpointLine(checkpoint, hash)
  const read = parseCheckpointLine(line)
  expect(typeof read === 'string' ? read : checkpointLine(read, hash)).toBe(line)
  expect(parseCheckpointLine(line.replace('"records":1', '"records":2'))).toBe(
    'it counts 2 records and has hashes of another number',
  )
  expect(parseCheckpointLine('{}')).toBe('it is not a checkpoint')
})
