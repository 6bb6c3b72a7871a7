import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, DatabaseError } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../../packages/cli/src/main.js'
import { memoryIo } from '../../../packages/cli/src/testing/memory-io.js'
import type { Adapter } from '../../../packages/sidecar/src/adapter/port.js'
import {
  findPgbench,
  PGBENCH_MISSING,
  Pgbench,
  pgbenchCapture,
  pgbenchDigest,
  randomFrom,
  seedFor,
} from '../../support/pgbench.js'
import { postgresContract } from '../../support/site.js'
import { probe, SYSTEM, stepFor, undo } from '../../support/steps.js'
import { bench } from './harness.js'

/** How many seeds: a few in `npm test`; `UNWIND_SEEDS=50` for all of them. */
const SEEDS = Number(process.env.UNWIND_SEEDS ?? 3)
const CLIENTS = 4
const TRANSACTIONS = 15

const binary = await findPgbench()
if (binary === null) console.warn(PGBENCH_MISSING)

describe.skipIf(binary === null)('a schema that nobody here wrote: pgbench with its foreign keys', () => {
  const db = bench('sample')
  const folder = mkdtempSync(join(tmpdir(), 'unwind-sample-'))
  const tables = pgbenchCapture(false)
  let adapter: Adapter

  beforeAll(async () => {
    await new Pgbench(binary!, db.url()).initialise(1, true)
    const file = join(folder, 'bank.yaml')
    writeFileSync(file, JSON.stringify(postgresContract(SYSTEM, db.url(), tables)))
    const io = memoryIo({ cwd: folder })
    expect(await run(['capture', 'install', '--contract', file], io), io.err()).toBe(0)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it(
    `${SEEDS} seeds of random changes by ${CLIENTS} clients at once, all rolled back: every table has its first checksum`,
    async () => {
      const first = seedFor('sample database')
      adapter = db.make(tables)
      await adapter.start()
      const start = await pgbenchDigest(db.url())
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => db.connect()))
      for (let seed = first; seed < first + SEEDS; seed++) {
        const committed = await traffic(clients, seed)
        expect(committed.length, `seed ${seed}`).toBeGreaterThan(CLIENTS)
        expect(await pgbenchDigest(db.url()), `seed ${seed}: the traffic changed nothing`).not.toBe(start)
        await rollBackAll(adapter, committed, seed)
        expect(await pgbenchDigest(db.url()), `seed ${seed}`).toBe(start)
      }
    },
    60_000 + SEEDS * 5_000,
  )

  /** @returns the correlation IDs of what was committed, newest first. */
  async function traffic(clients: readonly Client[], seed: number): Promise<readonly string[]> {
    await Promise.all(
      clients.map(async (client, number) => {
        const random = randomFrom(seed * CLIENTS + number)
        for (let i = 0; i < TRANSACTIONS; i++) {
          const correlationId = `s${seed}-${number}-${i}`
          await client.query('BEGIN')
          try {
            await client.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [correlationId])
            for (let left = 1 + Math.floor(random() * 5); left > 0; left--)
              await client.query(change(random, number))
            await client.query(random() < 0.9 ? 'COMMIT' : 'ROLLBACK')
          } catch (error) {
            await client.query('ROLLBACK')
            // A constraint, or a deadlock with another client: an application's everyday life.
            if (!(error instanceof DatabaseError) || !/^(23|40)/.test(error.code ?? '')) throw error
          }
        }
      }),
    )
    return newestFirst(`s${seed}-%`)
  }

  /** By the last change of each: whoever wrote a row after another one wrote it later, since it waited for the row's lock. */
  async function newestFirst(pattern: string): Promise<readonly string[]> {
    const logs = await db.sql('SELECT rel FROM unwind.captured')
    const union = logs.map(({ rel }) => `SELECT tx, seq FROM unwind.log_${rel}`).join(' UNION ALL ')
    const rows = await db.sql(
      `SELECT t.correlation_id FROM unwind.tx t JOIN (${union}) l ON l.tx = t.id
       WHERE t.correlation_id LIKE $1 GROUP BY t.correlation_id ORDER BY max(l.seq) DESC`,
      [pattern],
    )
    return rows.map(row => String(row.correlation_id))
  }

  async function rollBackAll(target: Adapter, correlationIds: readonly string[], seed: number) {
    for (const correlationId of correlationIds) {
      const work = await stepFor(target, correlationId)
      const about = `seed ${seed}, ${correlationId}`
      expect(await undo(target, work), about).toMatchObject({ kind: 'applied', notes: [] })
      const seen = await probe(target, work)
      expect(seen, about).toMatchObject({ kind: 'seen', kept: 0, differences: [] })
      expect(seen.kind === 'seen' && seen.restored, about).toBe(seen.kind === 'seen' && seen.expected)
    }
  }
})

/** One statement of an application that does all that keys and foreign keys permit. New rows have numbers of the client's own. */
function change(random: () => number, client: number): string {
  const upTo = (n: number) => 1 + Math.floor(random() * n)
  const amount = upTo(5_000) - 2_500
  // Few rows, so that clients meet.
  const account = () => (random() < 0.5 ? upTo(20) : 200_000 + client * 100 + upTo(10))
  const teller = () => (random() < 0.7 ? upTo(10) : 1_000 + client * 100 + upTo(5))
  const branch = () => (random() < 0.7 ? 1 : 100 + client)
  const kinds = [
    () => `UPDATE pgbench_accounts SET abalance = abalance + ${amount} WHERE aid = ${account()}`,
    () => `UPDATE pgbench_accounts SET filler = 'note ${amount}', bid = ${branch()} WHERE aid = ${account()}`,
    () => `UPDATE pgbench_accounts SET aid = aid + 10 WHERE aid = ${200_000 + client * 100 + upTo(10)}`,
    () =>
      `INSERT INTO pgbench_accounts (aid, bid, abalance, filler) VALUES (${account()}, ${branch()}, ${amount}, '') ON CONFLICT (aid) DO UPDATE SET abalance = ${amount}`,
    () => `DELETE FROM pgbench_accounts WHERE aid = ${account()}`,
    () => `UPDATE pgbench_tellers SET tbalance = tbalance + ${amount} WHERE tid = ${teller()}`,
    () =>
      `INSERT INTO pgbench_tellers (tid, bid, tbalance) VALUES (${teller()}, ${branch()}, ${amount}) ON CONFLICT (tid) DO UPDATE SET filler = 'again'`,
    () => `DELETE FROM pgbench_tellers WHERE tid = ${teller()}`,
    () =>
      `INSERT INTO pgbench_branches (bid, bbalance) VALUES (${100 + client}, ${amount}) ON CONFLICT (bid) DO NOTHING`,
    () => `UPDATE pgbench_branches SET bbalance = bbalance + ${amount} WHERE bid = ${branch()}`,
    () => `DELETE FROM pgbench_branches WHERE bid = ${100 + client}`,
    () =>
      `INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (${teller()}, ${branch()}, ${account()}, ${amount}, CURRENT_TIMESTAMP)`,
  ]
  return kinds[Math.floor(random() * kinds.length)]!()
}
