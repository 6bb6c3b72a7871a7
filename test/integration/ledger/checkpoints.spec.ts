import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LedgerEvent } from '@unwind/contracts'
import { checkpointLine, type PartitionVerdict, type SignedCheckpoint } from '@unwind/core'
import { generateKey, sha256, signingKey } from '@unwind/runtime'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Site } from '../../support/site.js'
import { Tail } from '../../support/tail.js'
import { unwind } from '../cli/unwind.js'

const cwd = mkdtempSync(join(tmpdir(), 'unwind-ledger-'))
const PARTITIONS = 2

function note(n: number): LedgerEvent {
  const common = { correlationId: `order-${n}`, rollbackId: `rb-${n}`, causationId: null }
  const said = { author: 'coordinator:one', text: `note ${n}`, emitter: 'coordinator:one' }
  return {
    type: 'NoteAdded',
    data: { eventId: `note/${n}`, occurredAt: Date.UTC(2026, 0, 2) + n, ...common, ...said },
  }
}

describe('the ledger', () => {
  let site: Site
  let trustFile: string
  const witnessed = new Tail<SignedCheckpoint>('the witness', c => `${c.partition}: ${c.from}..${c.next}`)
  const witness = {
    async give(checkpoint: SignedCheckpoint) {
      witnessed.push(checkpoint)
    },
  }
  const ledger = (...words: string[]) => {
    const env = { KAFKA_BROKERS: inject('stack').brokers.join(','), UNWIND_TOPICS_PREFIX: site.prefix }
    return unwind(['ledger', ...words, '--trust', trustFile], { cwd, env })
  }
  const provenSum = (all: readonly SignedCheckpoint[]) =>
    Array.from({ length: PARTITIONS }, (_, partition) =>
      all.filter(c => c.partition === partition).reduce((most, c) => Math.max(most, Number(c.next)), 0),
    ).reduce((sum, next) => sum + next, 0)

  /** A coordinator that proves so many records more, and ends. */
  const prove = async (from: number, to: number) => {
    const { service } = await site.coordinator({ checkpoints: { everyRecords: 4, everyMs: 200, witness } })
    const sender = await site.world.sender(site.key('coordinator:one'))
    for (let n = from; n < to; n++) await sender.send(note(n))
    await witnessed.until(`all ${to} records are proven`, all => provenSum(all) >= to)
    await service.stop()
  }

  beforeAll(async () => {
    site = await Site.open([], PARTITIONS)
    trustFile = site.world.writeKeys(cwd).trustFile
    await prove(0, 20)
    await prove(20, 30)
  })
  afterAll(() => site.close())

  test('is proven to its end, and a restarted coordinator goes on with the chain of the one before', async () => {
    const { code, out } = await ledger('verify', '-o', 'json')
    const report = JSON.parse(out) as { ok: boolean; partitions: PartitionVerdict[] }
    expect([code, report.ok]).toEqual([0, true])
    expect(report.partitions.reduce((sum, p) => sum + p.records, 0)).toBe(30)
    for (const { provenUpTo, end } of report.partitions) expect(provenUpTo).toBe(end)
    const begun = witnessed.items.filter(c => c.previous === null)
    expect(begun.map(c => [c.partition, c.from]).sort()).toEqual([
      [0, 0n],
      [1, 0n],
    ])
  })

  test('is exported, and the export verifies without Kafka; an edited one is refused with its first bad record', async () => {
    expect((await ledger('export', '--out', 'audit')).code).toBe(0)
    const alone = () => unwind(['ledger', 'verify', '--export', 'audit', '--trust', trustFile], { cwd })
    const good = await alone()
    expect([good.code, good.out.split('\n').at(-2)]).toEqual([0, 'Nothing was changed.'])
    const file = join(cwd, 'audit', 'records-0.jsonl')
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const third = JSON.parse(lines[3]!)
    third.event.data.text = 'nothing happened'
    lines[3] = JSON.stringify(third)
    writeFileSync(file, `${lines.join('\n')}\n`)
    const edited = await alone()
    expect(edited.code).toBe(1)
    expect(edited.out).toContain(
      `edited: ${site.prefix}.rollback/0 offset 3, event ${third.headers.ce_id}: its decoded form is not what its bytes say`,
    )
  })

  test('is exported for one correlation ID: of other records only the hashes, and it still verifies', async () => {
    expect((await ledger('export', '--out', 'order', '--correlation', 'order-7')).code).toBe(0)
    const { code, out } = await unwind(
      ['ledger', 'verify', '--export', 'order', '--trust', trustFile, '-o', 'json'],
      { cwd },
    )
    const { partitions } = JSON.parse(out) as { partitions: PartitionVerdict[] }
    expect([code, partitions.length, partitions[0]!.records - partitions[0]!.hidden]).toEqual([0, 1, 1])
    expect(partitions[0]!.provenUpTo).toBe(partitions[0]!.end)
  })

  test('that was cut off together with its checkpoints is told by a witness only', async () => {
    expect((await ledger('export', '--out', 'short')).code).toBe(0)
    const path = (name: string) => join(cwd, 'short', name)
    const manifest = JSON.parse(readFileSync(path('manifest.json'), 'utf8'))
    const first = witnessed.items.find(c => c.partition === 0)!
    const keep = (name: string, wanted: (line: Record<string, unknown>) => boolean) => {
      const lines = readFileSync(path(name), 'utf8').trimEnd().split('\n')
      const text = lines
        .filter(line => wanted(JSON.parse(line)))
        .map(line => `${line}\n`)
        .join('')
      writeFileSync(path(name), text)
      manifest.files[name] = Buffer.from(sha256(Buffer.from(text))).toString('hex')
    }
    keep('records-0.jsonl', line => BigInt(line.offset as string) < first.next)
    keep('checkpoints.jsonl', line => line.partition !== 0 || line.nextOffset === String(first.next))
    Object.assign(manifest.partitions[0], { records: Number(first.next), end: String(first.next) })
    writeFileSync(path('manifest.json'), JSON.stringify(manifest))
    const words = ['ledger', 'verify', '--export', 'short', '--trust', trustFile]
    expect((await unwind(words, { cwd })).code).toBe(0)
    writeFileSync(
      join(cwd, 'witness.jsonl'),
      witnessed.items.map(c => `${checkpointLine(c, sha256)}\n`).join(''),
    )
    const told = await unwind([...words, '--witness', 'witness.jsonl'], { cwd })
    expect(told.code).toBe(1)
    expect(told.out).toContain(`truncated: ${site.prefix}.rollback/0 offset ${first.next}`)
  })

  test('into which a stranger wrote is refused, and the record is named', async () => {
    const key = signingKey(generateKey('coordinator:one', ['coordinator']).privateKey)
    const at = await (await site.world.sender(key)).send(note(99))
    const { code, out } = await ledger('verify')
    expect(code).toBe(1)
    expect(out).toContain(
      `forged: ${site.prefix}.rollback/${at.partition} offset ${at.offset}, event note/99: ${site.prefix}.rollback partition ${at.partition} offset ${at.offset}: unwind.NoteAdded.v1 note/99 is refused: its key "${key.keyId}" is not in the trust store`,
    )
  })
})
