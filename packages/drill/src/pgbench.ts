/**
 * pgbench as somebody else's application: its own tables and its own TPC-B transaction, of which only the script's first statement
 * (the correlation ID) is ours. Written for any test that wants traffic that nobody here wrote.
 */
import { execFile } from 'node:child_process'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)
const DEBIAN = ['18', '17', '16', '15', '14', '13'].map(version => `/usr/lib/postgresql/${version}/bin`)

/** Where pgbench is, or null: a test that needs it then skips and says so. */
export async function findPgbench(): Promise<string | null> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...DEBIAN]) {
    const file = join(folder, 'pgbench')
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      return file
  }
  return null
}

export const PGBENCH_MISSING =
  'pgbench is not installed (apt-get install postgresql-15 has it): nothing was tested here'

/** The four tables, and what a transaction of pgbench does to them. History has no key, as pgbench makes it. */
export const PGBENCH_TABLES = {
  accounts: 'public.pgbench_accounts',
  branches: 'public.pgbench_branches',
  tellers: 'public.pgbench_tellers',
  history: 'public.pgbench_history',
} as const

/** The adapter's `capture.tables` for them. @param delta balances commute (true), or are plain values (false). */
export function pgbenchCapture(delta: boolean): Record<string, object> {
  const balance = (column: string) => (delta ? { delta: [column] } : {})
  return {
    [PGBENCH_TABLES.accounts]: balance('abalance'),
    [PGBENCH_TABLES.tellers]: balance('tbalance'),
    [PGBENCH_TABLES.branches]: balance('bbalance'),
    [PGBENCH_TABLES.history]: { key: 'row' },
  }
}

/** pgbench's built-in "tpcb-like" script, word for word. */
export const TPCB = `\\set aid random(1, 100000 * :scale)
\\set bid random(1, 1 * :scale)
\\set tid random(1, 10 * :scale)
\\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = :tid;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = :bid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (:tid, :bid, :aid, :delta, CURRENT_TIMESTAMP);
END;
`

/**
 * The same under a correlation ID of its own for each transaction: prefix, client and a random number. pgbench has no counter that
 * survives a transaction, so the number is drawn from a range in which two are practically never equal.
 * @param sent "alone": the statement is a message of its own; "with begin": one message with BEGIN, as the documentation advises.
 */
export function tpcbWithCorrelation(prefix: string, sent: 'alone' | 'with begin' = 'alone'): string {
  const begin = sent === 'alone' ? 'BEGIN;\n' : 'BEGIN\\; '
  return TPCB.replace('\\set delta', '\\set number random(1, 1000000000000000)\n\\set delta').replace(
    'BEGIN;\n',
    `${begin}SET LOCAL unwind.correlation_id = '${prefix}:client_id-:number';\n`,
  )
}

export interface PgbenchRun {
  readonly clients?: number
  /** How many transactions each client makes, or how long it runs. */
  readonly transactions?: number
  readonly seconds?: number
  readonly seed: number
  readonly script: string
}

export class Pgbench {
  /** Of a script of one's own pgbench does not ask the tables how many branches there are. */
  #scale = 1

  constructor(
    private readonly binary: string,
    readonly databaseUrl: string,
  ) {}

  /** @param foreignKeys between its tables; pgbench itself makes none unless asked. */
  async initialise(scale = 1, foreignKeys = false): Promise<void> {
    this.#scale = scale
    const more = foreignKeys ? ['--foreign-keys'] : []
    await run(this.binary, ['-i', '-q', '-s', String(scale), ...more, this.databaseUrl])
  }

  /** @returns transactions a second, without the time to connect, and how many were processed. */
  async run(options: PgbenchRun): Promise<{ readonly tps: number; readonly processed: number }> {
    const folder = await mkdtemp(join(tmpdir(), 'unwind-pgbench-'))
    try {
      const file = join(folder, 'script.sql')
      await writeFile(file, options.script)
      const clients = options.clients ?? 4
      const length =
        options.seconds === undefined
          ? ['-t', String(options.transactions ?? 100)]
          : ['-T', String(options.seconds)]
      const { stdout } = await run(this.binary, [
        ...[
          '-n',
          '-c',
          String(clients),
          '-j',
          String(Math.min(2, clients)),
          '--random-seed',
          String(options.seed),
        ],
        ...['-s', String(this.#scale), ...length, '-f', file, this.databaseUrl],
      ])
      const tps = /tps = ([\d.]+) \(without/.exec(stdout)?.[1]
      const processed = /transactions actually processed: (\d+)/.exec(stdout)?.[1]
      if (tps === undefined || processed === undefined)
        throw new Error(`pgbench said something else:\n${stdout}`)
      return { tps: Number(tps), processed: Number(processed) }
    } finally {
      await rm(folder, { recursive: true })
    }
  }
}

/** pgbench's own invariant: each balance is the sum of the remaining history. */
export interface PgbenchSums {
  readonly accounts: string
  readonly tellers: string
  readonly branches: string
  readonly history: string
  /** Accounts, tellers or branches whose own balance is not the sum of their own history. */
  readonly inconsistent: number
  readonly transactions: number
}

export async function pgbenchSums(databaseUrl: string): Promise<PgbenchSums> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const odd = (table: string, key: string, balance: string) =>
      `(SELECT count(*) FROM ${table} t WHERE ${balance} <> coalesce((SELECT sum(h.delta) FROM h_${key} h WHERE h.${key} = t.${key}), 0))`
    const { rows } = await client.query<PgbenchSums>(
      `WITH h_aid AS MATERIALIZED (SELECT aid, sum(delta) AS delta FROM pgbench_history GROUP BY aid),
         h_tid AS (SELECT tid, sum(delta) AS delta FROM pgbench_history GROUP BY tid),
         h_bid AS (SELECT bid, sum(delta) AS delta FROM pgbench_history GROUP BY bid),
         accounts AS (SELECT a.abalance <> coalesce(h.delta, 0) AS odd FROM pgbench_accounts a LEFT JOIN h_aid h USING (aid))
       SELECT (SELECT sum(abalance) FROM pgbench_accounts)::text AS accounts,
         (SELECT sum(tbalance) FROM pgbench_tellers)::text AS tellers,
         (SELECT sum(bbalance) FROM pgbench_branches)::text AS branches,
         (SELECT coalesce(sum(delta), 0) FROM pgbench_history)::text AS history,
         ((SELECT count(*) FILTER (WHERE odd) FROM accounts) + ${odd('pgbench_tellers', 'tid', 'tbalance')}
           + ${odd('pgbench_branches', 'bid', 'bbalance')})::int AS inconsistent,
         (SELECT count(*) FROM pgbench_history)::int AS transactions`,
    )
    return rows[0]!
  } finally {
    await client.end()
  }
}

/** Digest of all rows of the four tables: equal before and after means that nothing at all was changed. */
export async function pgbenchDigest(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const parts = Object.values(PGBENCH_TABLES).map(
      table =>
        `(SELECT md5(coalesce(string_agg(md5(t::text), '' ORDER BY md5(t::text)), '')) FROM ${table} t)`,
    )
    const { rows } = await client.query<{ digest: string }>(`SELECT ${parts.join(` || `)} AS digest`)
    return rows[0]!.digest
  } finally {
    await client.end()
  }
}

/** A random half of a list, by a seed: the same seed, the same half. */
export function randomHalf<T>(items: readonly T[], seed: number): readonly T[] {
  const random = randomFrom(seed)
  const shuffled = [...items]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!]
  }
  return shuffled.slice(0, Math.floor(shuffled.length / 2))
}

/** Mulberry32: a small generator with a seed, in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A seed from the environment, to repeat a failure, or a new one. Print it. */
export function seedFor(name: string): number {
  const given = process.env.UNWIND_SEED
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
  console.log(`${name}: seed ${seed} (repeat with UNWIND_SEED=${seed})`)
  return seed
}
