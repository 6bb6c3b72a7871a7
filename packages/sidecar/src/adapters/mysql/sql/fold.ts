import type { CapturedTable, Column } from '../layout.js'
import { keyColumns } from '../layout.js'
import { exact, keyMoved, same } from './compare.js'
import { after, before, chainTable, foldTable, logAs } from './names.js'
import { numbers } from './quote.js'

/** One query says whether the changes of a step in one table are one per row, so that the log itself can be undone. */
export function summaryQuery(database: string, table: CapturedTable, entries: readonly string[]): string {
  const exit = keyColumns(table).map(c => `COALESCE(n.${after(c)}, n.${before(c)})`)
  return `SELECT COUNT(*) AS total, COALESCE(SUM(n.op = 'I'), 0) AS inserted, COALESCE(SUM(n.op = 'U'), 0) AS updated,
      COALESCE(SUM(n.op = 'D'), 0) AS deleted, COALESCE(SUM(n.op = 'X'), 0) AS unseen,
      COUNT(DISTINCT ${exit.join(', ')}) AS places, COALESCE(SUM(${keyMoved(table)}), 0) AS moved, MIN(n.seq) AS first
    FROM ${logAs(database, table.rel, 'n')} WHERE n.tx IN (${numbers(entries)})`
}

/** For each change, the place (a key, as a number) at which it found its row and the one at which it left it. */
export function placesQuery(database: string, table: CapturedTable, entries: readonly string[]): string {
  const keys = keyColumns(table)
  const side = (end: 0 | 1) =>
    keys.map((c, i) => {
      const [first, second] = end === 0 ? [before(c), after(c)] : [after(c), before(c)]
      return `COALESCE(n.${first}, n.${second}) AS k${i}`
    })
  const half = (end: 0 | 1) =>
    `SELECT n.tx, n.seq, n.op, ${end} AS leaves, ${side(end).join(', ')} FROM ${logAs(database, table.rel, 'n')}
      WHERE n.tx IN (${numbers(entries)}) AND n.op <> 'X'`
  return `SELECT v.tx, v.seq, v.op, v.leaves, DENSE_RANK() OVER (ORDER BY ${keys.map((_, i) => `v.k${i}`).join(', ')}) AS place
    FROM (${half(0)} UNION ALL ${half(1)}) v ORDER BY v.seq, v.leaves`
}

/** chain_<rel>: which changes concern one row (root), and in which order (layer, from 1). */
export function chainStatements(database: string, table: CapturedTable): readonly string[] {
  const chain = chainTable(database, table.rel)
  return [
    `DROP TEMPORARY TABLE IF EXISTS ${chain}`,
    `CREATE TEMPORARY TABLE ${chain} (tx BIGINT UNSIGNED NOT NULL, seq BIGINT UNSIGNED NOT NULL, root BIGINT UNSIGNED NOT NULL,
      layer INT UNSIGNED NOT NULL, PRIMARY KEY (layer, root)) ENGINE=InnoDB`,
  ]
}

/** The chain where no key changed: all changes of one key. */
export function chainByKey(database: string, table: CapturedTable, entries: readonly string[]): string {
  const exit = keyColumns(table).map(c => `COALESCE(n.${after(c)}, n.${before(c)})`)
  const over = `OVER (PARTITION BY ${exit.join(', ')} ORDER BY n.seq)`
  return `INSERT INTO ${chainTable(database, table.rel)} (tx, seq, root, layer)
    SELECT n.tx, n.seq, FIRST_VALUE(n.seq) ${over}, ROW_NUMBER() ${over}
    FROM ${logAs(database, table.rel, 'n')} WHERE n.tx IN (${numbers(entries)}) AND n.op <> 'X'`
}

export function chainRows(
  database: string,
  table: CapturedTable,
  links: readonly { tx: string; seq: string; root: string; layer: number }[],
): string {
  const rows = links.map(link => `(${numbers([link.tx, link.seq, link.root, String(link.layer)])})`)
  return `INSERT INTO ${chainTable(database, table.rel)} (tx, seq, root, layer) VALUES ${rows.join(', ')}`
}

/**
 * fold_<rel>: one row for each application row that the step's entries changed, in the log's shape: o… is what to restore, n…
 * what we left, t… which columns we changed, b… where another writer stepped in between, because restoring the first image
 * would then lose a foreign write (I6). op '-': the row was inserted and is gone again.
 */
export function foldStatements(database: string, table: CapturedTable): readonly string[] {
  const fold = foldTable(database, table.rel)
  const columns = table.columns.flatMap(c => [
    `${before(c)} ${c.logType} NULL`,
    `${after(c)} ${c.logType} NULL`,
    `t${c.number} BOOLEAN NOT NULL`,
    `b${c.number} BOOLEAN NOT NULL`,
  ])
  return [
    `DROP TEMPORARY TABLE IF EXISTS ${fold}`,
    `CREATE TEMPORARY TABLE ${fold} (root BIGINT UNSIGNED PRIMARY KEY, seq BIGINT UNSIGNED NOT NULL,
      op CHAR(1) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL, ${columns.join(', ')}) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
    layerStatement(database, table, 1),
  ]
}

const NONE: Images = { op: `'-'`, o: () => 'NULL', n: () => 'NULL', t: () => 'FALSE', b: () => 'FALSE' }
interface Images {
  readonly op: string
  readonly o: (c: Column) => string
  readonly n: (c: Column) => string
  readonly t: (c: Column) => string
  readonly b: (c: Column) => string
}

/** Puts the changes of one layer on top of the fold so far. */
export function layerStatement(database: string, table: CapturedTable, layer: number): string {
  const fold = foldTable(database, table.rel)
  const list = table.columns.map(c => `${before(c)}, ${after(c)}, t${c.number}, b${c.number}`)
  const a: Images =
    layer === 1
      ? NONE
      : {
          op: 'a.op',
          o: c => `a.${before(c)}`,
          n: c => `a.${after(c)}`,
          t: c => `a.t${c.number}`,
          b: c => `a.b${c.number}`,
        }
  const values = table.columns.map(c => (layer === 1 ? begun(c) : folded(c, a)).join(', '))
  const op =
    layer === 1
      ? 'r.op'
      : `CASE WHEN a.op = '-' THEN r.op WHEN r.op = 'U' THEN a.op
         WHEN r.op = 'D' THEN IF(a.op = 'I', '-', 'D') ELSE 'U' END`
  return `REPLACE INTO ${fold} (root, seq, op, ${list.join(', ')})
    SELECT c.root, r.seq, ${op}, ${values.join(',\n      ')}
    FROM ${chainTable(database, table.rel)} c STRAIGHT_JOIN ${logAs(database, table.rel, 'r')} ON r.tx = c.tx AND r.seq = c.seq
    ${layer === 1 ? '' : `STRAIGHT_JOIN ${fold} a ON a.root = c.root`} WHERE c.layer = ${layer}`
}

const differ = (c: Column, x: string, y: string) => `(NOT ${same(c, x, y)})`
const r = (c: Column) => ({ ro: `r.${before(c)}`, rn: `r.${after(c)}` })

function begun(c: Column): readonly string[] {
  const { ro, rn } = r(c)
  return [ro, rn, `(r.op <> 'U' OR ${differ(c, ro, rn)})`, 'FALSE']
}

/** Before, after, touched, broken; chosen by what the fold is and what comes. */
function folded(c: Column, a: Images): readonly string[] {
  const { ro, rn } = r(c)
  const [o, n, t, b] = [a.o(c), a.n(c), a.t(c), a.b(c)]
  const changed = differ(c, ro, rn)
  const [bo, bn, bt, bb] = begun(c)
  const byKind = (begin: string, update: string, remove: string, recreate: string) =>
    `CASE WHEN a.op = '-' THEN ${begin} WHEN r.op = 'U' THEN ${update} WHEN r.op = 'D' THEN ${remove} ELSE ${recreate} END`
  const keep = `IF(${t}, ${o}, ${ro})`
  const image = {
    o: byKind(bo!, keep, keep, o),
    n: byKind(bn!, `IF(${changed} OR NOT ${t}, ${rn}, ${n})`, 'NULL', rn),
    t: byKind(bt!, `(${t} OR ${changed})`, t, differ(c, o, rn)),
    b: byKind(
      bb!,
      `(${b} OR (${changed} AND ${t} AND ${differ(c, n, ro)}))`,
      `(${b} OR (${t} AND ${differ(c, n, ro)}))`,
      b,
    ),
  }
  if (!c.delta) return [image.o, image.n, image.t, image.b]
  const e = (value: string) => exact(c, value)
  // Differences add up, whoever wrote in between; unbroken, the images themselves stay.
  const sums = `(a.op IN ('I', 'U') AND ${n} IS NOT NULL AND ${ro} IS NOT NULL
      AND ((r.op = 'U' AND ${rn} IS NOT NULL AND (a.op = 'I' OR ${o} IS NOT NULL)) OR (r.op = 'D' AND ${o} IS NOT NULL)))`
  const unbroken = same(c, n, ro)
  const summed = {
    o: `CASE WHEN a.op = 'I' OR ${unbroken} THEN ${o} WHEN r.op = 'D' THEN ${e(ro)} - (${e(n)} - ${e(o)})
        ELSE ${e(rn)} - ((${e(n)} - ${e(o)}) + (${e(rn)} - ${e(ro)})) END`,
    n: `CASE WHEN r.op = 'D' THEN NULL WHEN a.op = 'I' AND NOT ${unbroken} THEN ${e(n)} + (${e(rn)} - ${e(ro)}) ELSE ${rn} END`,
  }
  return [
    `IF(${sums}, ${summed.o}, ${image.o})`,
    `IF(${sums}, ${summed.n}, ${image.n})`,
    `(${sums} OR ${image.t})`,
    `IF(${sums}, ${b}, ${image.b})`,
  ]
}
