import type { Stack } from '@unwind/local-stack'
import mysql from 'mysql2/promise'
import { randomFrom } from '../pgbench.js'
import { capturedDatabase } from './mysql.js'
import type { Figure } from './report.js'

const CLIENTS = 4

/** pgbench's tables; its history has a key here, since MariaDB gives rows no place by which capture could tell them apart. */
function schema(scale: number): readonly string[] {
  return [
    'CREATE TABLE accounts (aid int PRIMARY KEY, bid int, abalance int NOT NULL, filler char(84))',
    'CREATE TABLE tellers (tid int PRIMARY KEY, bid int, tbalance int NOT NULL, filler char(84))',
    'CREATE TABLE branches (bid int PRIMARY KEY, bbalance int NOT NULL, filler char(88))',
    `CREATE TABLE history (id bigint AUTO_INCREMENT PRIMARY KEY, tid int, bid int, aid int, delta int, mtime timestamp(6) DEFAULT now(6), filler char(22))`,
    `INSERT INTO accounts SELECT seq, 1 + (seq - 1) DIV 100000, 0, '' FROM seq_1_to_${100_000 * scale}`,
    `INSERT INTO tellers SELECT seq, 1 + (seq - 1) DIV 10, 0, '' FROM seq_1_to_${10 * scale}`,
    `INSERT INTO branches SELECT seq, 0, '' FROM seq_1_to_${scale}`,
  ]
}

const TABLES = {
  accounts: { delta: ['abalance'] },
  tellers: { delta: ['tbalance'] },
  branches: { delta: ['bbalance'] },
  history: {},
}

/**
 * The TPC-B transaction of pgbench, statement by statement, without capture and with capture on its four tables and a correlation ID
 * for each transaction (the additional round trip of SET counts). Pairs alternate, so that a busy moment of the machine hits
 * both; the ratio is that of the medians.
 */
export async function captureRatio(
  stack: Stack,
  options: { readonly pairs: number; readonly seconds: number; readonly scale: number },
): Promise<readonly Figure[]> {
  const { pairs, seconds, scale } = options
  const plain = await capturedDatabase(stack, `plain_${scale}`, schema(scale), TABLES, false)
  const captured = await capturedDatabase(stack, `captured_${scale}`, schema(scale), TABLES)
  const run = (url: string, prefix: string | null, seed: number, length: number) =>
    transactionsPerSecond(url, { scale, prefix, seed, seconds: length })
  await run(plain.url, null, 1, 2)
  await run(captured.url, 'warm', 1, 2)
  const without: number[] = []
  const withCapture: number[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const order = [
      async () => void without.push(await run(plain.url, null, pair, seconds)),
      async () => void withCapture.push(await run(captured.url, `p${pair}`, pair, seconds)),
    ]
    // Who goes first alternates too.
    for (const one of pair % 2 === 0 ? order : order.reverse()) await one()
  }
  const value = median(withCapture)
  const reference = { name: `mariadb_tpcb_tps_scale_${scale}`, value: median(without) }
  return [
    { name: `mariadb_tpcb_tps_with_capture_scale_${scale}`, value, unit: 'tps', reference },
    {
      name: `mariadb_capture_ratio_scale_${scale}`,
      value: value / reference.value,
      unit: 'ratio',
      reference: { name: 'target_ratio', value: 0.75 },
    },
  ]
}

interface Run {
  readonly scale: number
  /** Begins the correlation IDs; null: none is set. */
  readonly prefix: string | null
  readonly seed: number
  readonly seconds: number
}

async function transactionsPerSecond(url: string, run: Run): Promise<number> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => mysql.createConnection({ uri: url })),
  )
  try {
    const began = performance.now()
    const until = began + run.seconds * 1_000
    const counts = await Promise.all(
      clients.map(async (client, number) => {
        const random = randomFrom(run.seed * CLIENTS + number)
        let done = 0
        for (; performance.now() < until; done++)
          await transaction(client, random, run, `${run.prefix}:${number}:${done}`)
        return done
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - began) / 1_000)
  } finally {
    for (const client of clients) await client.end()
  }
}

async function transaction(
  client: mysql.Connection,
  random: () => number,
  { scale, prefix }: Run,
  correlationId: string,
): Promise<void> {
  const upTo = (n: number) => 1 + Math.floor(random() * n)
  const [aid, bid, tid] = [upTo(100_000 * scale), upTo(scale), upTo(10 * scale)]
  const delta = Math.floor(random() * 10_001) - 5_000
  await client.query('START TRANSACTION')
  if (prefix !== null) await client.query(`SET @unwind_correlation_id = '${correlationId}'`)
  await client.query(`UPDATE accounts SET abalance = abalance + ${delta} WHERE aid = ${aid}`)
  await client.query(`SELECT abalance FROM accounts WHERE aid = ${aid}`)
  await client.query(`UPDATE tellers SET tbalance = tbalance + ${delta} WHERE tid = ${tid}`)
  await client.query(`UPDATE branches SET bbalance = bbalance + ${delta} WHERE bid = ${bid}`)
  await client.query(`INSERT INTO history (tid, bid, aid, delta) VALUES (${tid}, ${bid}, ${aid}, ${delta})`)
  await client.query('COMMIT')
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
