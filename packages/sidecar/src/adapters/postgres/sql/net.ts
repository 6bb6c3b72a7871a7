import type { CapturedTable, Column } from '../layout.js'
import { keyColumns } from '../layout.js'
import { after, before, logTable } from './capture.js'
import { same } from './compare.js'
import { ident } from './quote.js'

/**
 * net_<rel>(transactions, single, seq): one row for each application row that these transactions changed, in the log's shape:
 * o… is what to restore, n… what we left. Several changes of one row collapse to the first before-image and the last
 * after-image, column by column; where another writer stepped in between, `broken` says so, because restoring the first
 * image would then lose a foreign write (I6). A row that was inserted and deleted again is not in the result.
 * With `seq` one logged change alone, as it is.
 * ROWS 1 keeps the planner at index look-ups, which are right for one row and linear for many.
 */
export function netFunction(schema: string, table: CapturedTable): string {
  const s = ident(schema)
  const log = logTable(schema, table.rel)
  const head = `CREATE OR REPLACE FUNCTION ${s}.net_${table.rel}(p_tx bigint[], p_single boolean, p_seq pg_lsn) RETURNS SETOF ${log}
LANGUAGE plpgsql STABLE ROWS 1 AS $unwind$`
  // Without a key each insert stands for itself; there is nothing to collapse by.
  if (table.key.length === 0)
    return `${head} BEGIN RETURN QUERY SELECT l.* FROM ${log} l WHERE l.tx = ANY (p_tx) AND l.op <> 'T' AND (p_seq IS NULL OR l.seq = p_seq); END $unwind$`
  const keys = keyColumns(table)
  const list = (side: (column: Column) => string) => keys.map(column => `l.${side(column)}`).join(', ')
  const entry = keys.map(column => `coalesce(l.${before(column)}, l.${after(column)})`)
  const exit = keys.map(column => `coalesce(l.${after(column)}, l.${before(column)})`)
  return `${head}
DECLARE
  v_moved boolean; v_many boolean; c refcursor; r record; a ${log}; v_root bigint;
  v_touched boolean[];
BEGIN
  IF p_seq IS NOT NULL THEN
    RETURN QUERY SELECT l.* FROM ${log} l WHERE l.tx = ANY (p_tx) AND l.seq = p_seq;
    RETURN;
  ELSIF p_single THEN
    RETURN QUERY SELECT l.* FROM ${log} l WHERE l.tx = ANY (p_tx) AND l.op <> 'T';
    RETURN;
  END IF;
  SELECT coalesce(bool_or(l.op = 'U' AND (${list(before)}) IS DISTINCT FROM (${list(after)})), false),
         count(*) <> count(DISTINCT (${exit.join(', ')}))
    INTO v_moved, v_many FROM ${log} l WHERE l.tx = ANY (p_tx) AND l.op <> 'T';
  IF NOT v_moved AND NOT v_many THEN
    RETURN QUERY SELECT l.* FROM ${log} l WHERE l.tx = ANY (p_tx) AND l.op <> 'T';
    RETURN;
  END IF;
  IF v_moved THEN
    -- A key that changed: each change is linked to the one that left the row under the key that it found.
    OPEN c FOR
      WITH RECURSIVE e AS MATERIALIZED (
        SELECT row_number() OVER (ORDER BY l.seq) AS i, l.* FROM ${log} l WHERE l.tx = ANY (p_tx) AND l.op <> 'T'
      ), visit AS (
        SELECT l.i, 0 AS leaves, ${entry.map((e, i) => `${e} AS k${i}`).join(', ')} FROM e l
        UNION ALL SELECT l.i, 1, ${exit.join(', ')} FROM e l
      ), link AS (
        SELECT v.i, v.leaves, CASE WHEN lag(v.leaves) OVER w = 1 THEN lag(v.i) OVER w END AS pred
        FROM visit v WINDOW w AS (PARTITION BY ${keys.map((_, i) => `v.k${i}`).join(', ')} ORDER BY v.i, v.leaves)
      ), chain AS (
        SELECT l.i, l.i AS root FROM link l WHERE l.leaves = 0 AND l.pred IS NULL
        UNION ALL SELECT l.i, p.root FROM chain p JOIN link l ON l.leaves = 0 AND l.pred = p.i
      ), last AS (
        SELECT DISTINCT ON (p.root) p.root, l.op, ${exit.map((e, i) => `${e} AS k${i}`).join(', ')}
        FROM chain p JOIN e l ON l.i = p.i ORDER BY p.root, p.i DESC
      ), replaced AS (
        -- A row that was inserted elsewhere and then took a deleted row's key: in the end that row was changed.
        SELECT g.root, max(d.root) AS whole FROM last g JOIN e f ON f.i = g.root AND f.op = 'I' AND g.op <> 'D'
        JOIN last d ON d.op = 'D' AND d.root <> g.root AND ${keys.map((_, i) => `d.k${i} = g.k${i}`).join(' AND ')} GROUP BY g.root
      )
      SELECT coalesce(x.whole, p.root) AS root, e.* FROM chain p JOIN e ON e.i = p.i LEFT JOIN replaced x ON x.root = p.root
      ORDER BY 1, x.whole NULLS FIRST, p.i;
  ELSE
    OPEN c FOR SELECT dense_rank() OVER (ORDER BY ${exit.join(', ')}) AS root, l.* FROM ${log} l
      WHERE l.tx = ANY (p_tx) AND l.op <> 'T' ORDER BY root, l.seq;
  END IF;
  LOOP
    FETCH c INTO r;
    IF v_root IS NOT NULL AND (NOT FOUND OR r.root <> v_root) AND a.op IS NOT NULL THEN RETURN NEXT a; END IF;
    EXIT WHEN NOT FOUND;
    IF v_root IS NULL OR r.root <> v_root OR a.op IS NULL THEN
${begin(table)}
    ELSIF r.op = 'U' THEN
${update(table)}
    ELSIF r.op = 'D' THEN
      IF a.op = 'I' THEN a := NULL;
      ELSE
${remove(table)}
      END IF;
    ELSE
${recreate(table)}
    END IF;
    v_root := r.root;
  END LOOP;
  CLOSE c;
END $unwind$`
}

const lines = (table: CapturedTable, line: (column: Column, i: number) => string) =>
  table.columns.map((column, i) => `      ${line(column, i + 1)}`).join('\n')

const differ = (column: Column, a: string, b: string) => `NOT (${same(column, a, b)})`

function begin(table: CapturedTable): string {
  return `      a := NULL; a.tx := r.tx; a.seq := r.seq; a.op := r.op; v_touched := '{}';
${lines(table, (c, i) => `a.${before(c)} := r.${before(c)}; a.${after(c)} := r.${after(c)}; v_touched[${i}] := r.op <> 'U' OR ${differ(c, `r.${before(c)}`, `r.${after(c)}`)};`)}`
}

/** An update after an insert or an update of ours. */
function update(table: CapturedTable): string {
  return `      a.tx := r.tx; a.seq := r.seq;
${lines(table, (c, i) => {
  const [ao, an, ro, rn] = [`a.${before(c)}`, `a.${after(c)}`, `r.${before(c)}`, `r.${after(c)}`]
  const image = `IF ${differ(c, ro, rn)} THEN
        IF v_touched[${i}] THEN IF ${differ(c, an, ro)} THEN a.broken := array_append(a.broken, ${c.number}::smallint); END IF;
        ELSE ${ao} := ${ro}; v_touched[${i}] := true; END IF;
        ${an} := ${rn};
      ELSIF NOT v_touched[${i}] THEN ${ao} := ${ro}; ${an} := ${rn}; END IF;`
  if (!c.delta) return image
  // Unbroken, the images themselves stay: 1 + 0.5 - 0.5 is 1.0, and was 1.
  return `IF a.op IN ('I', 'U') AND ${an} IS NOT NULL AND ${ro} IS NOT NULL AND ${rn} IS NOT NULL AND (a.op = 'I' OR ${ao} IS NOT NULL) THEN
        IF ${same(c, an, ro)} THEN ${an} := ${rn};
        ELSIF a.op = 'I' THEN ${an} := ${an} + (${rn} - ${ro});
        ELSE ${ao} := ${rn} - ((${an} - ${ao}) + (${rn} - ${ro})); ${an} := ${rn}; END IF;
        v_touched[${i}] := true;
      ELSE ${image} END IF;`
})}`
}

/** A deletion after an update of ours. */
function remove(table: CapturedTable): string {
  return `      a.tx := r.tx; a.seq := r.seq; a.op := 'D';
${lines(table, (c, i) => {
  const [ao, an, ro] = [`a.${before(c)}`, `a.${after(c)}`, `r.${before(c)}`]
  const image = `IF NOT v_touched[${i}] THEN ${ao} := ${ro};
      ELSIF ${differ(c, an, ro)} THEN a.broken := array_append(a.broken, ${c.number}::smallint); END IF;
      ${an} := NULL;`
  if (!c.delta) return image
  return `IF ${ao} IS NOT NULL AND ${an} IS NOT NULL AND ${ro} IS NOT NULL THEN
        IF NOT (${same(c, an, ro)}) THEN ${ao} := ${ro} - (${an} - ${ao}); END IF;
        ${an} := NULL;
      ELSE ${image} END IF;`
})}`
}

/** An insertion after a deletion of ours: the row was replaced. */
function recreate(table: CapturedTable): string {
  return `      a.tx := r.tx; a.seq := r.seq; a.op := 'U';
${lines(table, (c, i) => `a.${after(c)} := r.${after(c)}; v_touched[${i}] := ${differ(c, `a.${before(c)}`, `r.${after(c)}`)};`)}`
}
