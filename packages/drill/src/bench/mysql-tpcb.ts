import type { Stack } from '@unwind/local-stack'
import mysql from 'mysql2/promise'
import { randomFrom } from '../pgbench.js'
import { interleaved } from './interleaved.js'
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

/** The cheapest triggers that log anything: for each row one constant into a table with one index. */
const FLOOR = Object.keys(TABLES).flatMap(table => [
  `CREATE TABLE floor_${table} (id bigint AUTO_INCREMENT PRIMARY KEY, a int)`,
  `CREATE TRIGGER floor_${table} AFTER ${table === 'history' ? 'INSERT' : 'UPDATE'} ON ${table} FOR EACH ROW INSERT INTO floor_${table} (a) VALUES (1)`,
])

/**
 * The TPC-B transaction of pgbench, statement by statement, without capture, and with capture on its four tables and a correlation ID
 * for each transaction, whose SET goes in one packet with START TRANSACTION, or has a round trip of its own. Beside them the floor.
 */
export async function captureRatio(
  stack: Stack,
  options: { readonly rounds: number; readonly seconds: number; readonly scale: number },
): Promise<readonly Figure[]> {
  const { rounds, seconds, scale } = options
  const plain = await capturedDatabase(stack, `plain_${scale}`, schema(scale), TABLES, false)
  const captured = await capturedDatabase(stack, `captured_${scale}`, schema(scale), TABLES)
  const floor = await capturedDatabase(stack, `floor_${scale}`, [...schema(scale), ...FLOOR], TABLES, false)
  const runs = (url: string, name: string, set: Run['set']) => (round: number) =>
    transactionsPerSecond(url, {
      scale,
      prefix: `${name}${round}`,
      set,
      seed: round + 2,
      seconds: round < 0 ? 2 : seconds,
    })
  const found = await interleaved(
    {
      plain: runs(plain.url, 'plain', 'not at all'),
      together: runs(captured.url, 'together', 'with begin'),
      alone: runs(captured.url, 'alone', 'alone'),
      floor: runs(floor.url, 'floor', 'with begin'),
    },
    rounds,
  )
  const reference = { name: `mariadb_tpcb_tps_scale_${scale}`, value: found.median('plain') }
  const target = { name: 'target_ratio', value: 0.75 }
  const ratio = (name: string, kind: string): Figure => ({
    name,
    value: found.ratio(kind),
    unit: 'ratio',
    reference: target,
  })
  return [
    {
      name: `mariadb_tpcb_tps_with_capture_scale_${scale}`,
      value: found.median('together'),
      unit: 'tps',
      reference,
    },
    ratio(`mariadb_capture_ratio_scale_${scale}`, 'together'),
    ratio(`mariadb_capture_ratio_scale_${scale}_with_a_round_trip_more`, 'alone'),
    ratio(`mariadb_floor_ratio_scale_${scale}`, 'floor'),
  ]
}

interface Run {
  readonly scale: number
  /** Begins the correlation IDs. */
  readonly prefix: string
  readonly set: 'not at all' | 'with begin' | 'alone'
  readonly seed: number
  readonly seconds: number
}

async function transactionsPerSecond(url: string, run: Run): Promise<number> {
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => mysql.createConnection({ uri: url, multipleStatements: true })),
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
  { scale, set }: Run,
  correlationId: string,
): Promise<void> {
  const upTo = (n: number) => 1 + Math.floor(random() * n)
  const [aid, bid, tid] = [upTo(100_000 * scale), upTo(scale), upTo(10 * scale)]
  const delta = Math.floor(random() * 10_001) - 5_000
  const statement = `SET @unwind_correlation_id = '${correlationId}'`
  await client.query(set === 'with begin' ? `START TRANSACTION; ${statement}` : 'START TRANSACTION')
  if (set === 'alone') await client.query(statement)
  await client.query(`UPDATE accounts SET abalance = abalance + ${delta} WHERE aid = ${aid}`)
  await client.query(`SELECT abalance FROM accounts WHERE aid = ${aid}`)
  await client.query(`UPDATE tellers SET tbalance = tbalance + ${delta} WHERE tid = ${tid}`)
  await client.query(`UPDATE branches SET bbalance = bbalance + ${delta} WHERE bid = ${bid}`)
  await client.query(`INSERT INTO history (tid, bid, aid, delta) VALUES (${tid}, ${bid}, ${aid}, ${delta})`)
  await client.query('COMMIT')
}
