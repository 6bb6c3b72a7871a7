import type { CapturedTable } from '../layout.js'
import { keyColumns } from '../layout.js'
import { after, before, logTable } from './capture.js'
import { imageText, itemText, rowHash } from './compare.js'
import { ident } from './quote.js'

/**
 * describe_<rel>(transactions): what each transaction did to one table, without any image: counts, the first row's name and
 * the digest of the state that it left.
 */
export function describeFunction(schema: string, table: CapturedTable): string {
  const s = ident(schema)
  const log = logTable(schema, table.rel)
  const item = `CASE l.op WHEN 'D' THEN ${itemText(table, table.key.length === 0 ? 'after' : 'before', 'l')} ELSE ${itemText(table, 'after', 'l')} END`
  const image = `CASE WHEN l.op <> 'D' THEN ${imageText(table, column => `l.${after(column)}`)} END`
  // A row that was changed more than once left only its last image.
  const identity =
    table.key.length === 0
      ? ['l.n0', 'l.seq']
      : keyColumns(table).map(column => `coalesce(l.${after(column)}, l.${before(column)})`)
  return `
CREATE OR REPLACE FUNCTION ${s}.describe_${table.rel}(p_tx bigint[])
RETURNS TABLE (tx bigint, inserted bigint, updated bigint, deleted bigint, truncated bigint, item text, seq pg_lsn, hash bytea)
LANGUAGE plpgsql STABLE AS $unwind$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT e.tx, count(*) FILTER (WHERE e.op = 'I'), count(*) FILTER (WHERE e.op = 'U'),
    count(*) FILTER (WHERE e.op = 'D'), count(*) FILTER (WHERE e.op = 'T'),
    (array_agg(e.item ORDER BY e.seq) FILTER (WHERE e.op <> 'T'))[1], min(e.seq),
    pg_catalog.sha256(coalesce(string_agg(e.hash, ''::bytea ORDER BY e.hash) FILTER (WHERE e.latest), ''::bytea))
  FROM (
    SELECT l.tx, l.op, l.seq, ${item} AS item,
      CASE WHEN l.op <> 'T' THEN ${rowHash(item, image)} END AS hash,
      l.op <> 'T' AND row_number() OVER (PARTITION BY l.tx, ${identity.join(', ')} ORDER BY l.seq DESC) = 1 AS latest
    FROM ${log} l WHERE l.tx = ANY (p_tx)
  ) e GROUP BY e.tx;
END $unwind$`
}

/** found_<rel>(transaction): digest of the rows as an undo found them, from the before-images of its own writes. */
export function foundFunction(schema: string, table: CapturedTable): string {
  const log = logTable(schema, table.rel)
  const keyed = table.key.length > 0
  const item = keyed
    ? `CASE l.op WHEN 'I' THEN ${itemText(table, 'after', 'l')} ELSE ${itemText(table, 'before', 'l')} END`
    : itemText(table, 'after', 'l')
  const image = `CASE WHEN l.op <> 'I' THEN ${imageText(table, column => `l.${before(column)}`)} END`
  return `
CREATE OR REPLACE FUNCTION ${ident(schema)}.found_${table.rel}(p_tx bigint) RETURNS bytea LANGUAGE plpgsql STABLE AS $unwind$
BEGIN
  RETURN (SELECT pg_catalog.sha256(string_agg(e.hash, ''::bytea ORDER BY e.hash))
    FROM (SELECT ${rowHash(item, image)} AS hash FROM ${log} l WHERE l.tx = p_tx AND l.op <> 'T') e);
END $unwind$`
}

/** entries_<rel>(transactions): each logged change, with the name under which it found its row and the one that it left it. */
export function entriesFunction(schema: string, table: CapturedTable): string {
  const keyed = table.key.length > 0
  const name = (image: 'before' | 'after', op: string) =>
    keyed
      ? `CASE WHEN l.op = '${op}' THEN ${itemText(table, image === 'before' ? 'after' : 'before', 'l')} ELSE ${itemText(table, image, 'l')} END`
      : itemText(table, 'after', 'l')
  return `
CREATE OR REPLACE FUNCTION ${ident(schema)}.entries_${table.rel}(p_tx bigint[])
RETURNS TABLE (op "char", seq pg_lsn, found_as text, left_as text)
LANGUAGE plpgsql STABLE AS $unwind$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT l.op, l.seq, ${name('before', 'I')}, ${name('after', 'D')}
    FROM ${logTable(schema, table.rel)} l WHERE l.tx = ANY (p_tx) AND l.op <> 'T';
END $unwind$`
}

/** touched(transactions): which logs hold what; describe(transactions): what each transaction did, over all tables. */
export function unionFunctions(schema: string, rels: readonly number[]): readonly string[] {
  const s = ident(schema)
  const touched = rels.map(
    rel =>
      `SELECT ${rel}, l.op, count(*), min(l.seq) FROM ${logTable(schema, rel)} l WHERE l.tx = ANY (p_tx) GROUP BY l.op`,
  )
  const entries = rels.map(rel => `SELECT ${rel}, e.* FROM ${s}.entries_${rel}(p_tx) e`)
  const described = rels.map(rel => `SELECT ${rel} AS rel, d.* FROM ${s}.describe_${rel}(p_tx) d`)
  const none = 'SELECT NULL::integer, NULL::"char", NULL::bigint, NULL::pg_lsn WHERE false'
  return [
    `
CREATE OR REPLACE FUNCTION ${s}.touched(p_tx bigint[]) RETURNS TABLE (rel integer, op "char", rows bigint, first pg_lsn)
LANGUAGE plpgsql STABLE AS $unwind$
#variable_conflict use_column
BEGIN
  RETURN QUERY ${[none, ...touched].join('\n  UNION ALL ')};
END $unwind$`,
    `
CREATE OR REPLACE FUNCTION ${s}.entries(p_tx bigint[])
RETURNS TABLE (rel integer, op "char", seq pg_lsn, found_as text, left_as text)
LANGUAGE plpgsql STABLE AS $unwind$
#variable_conflict use_column
BEGIN
  RETURN QUERY ${[`SELECT NULL::integer, NULL::"char", NULL::pg_lsn, NULL::text, NULL::text WHERE false`, ...entries].join('\n  UNION ALL ')};
END $unwind$`,
    `
CREATE OR REPLACE FUNCTION ${s}.describe(p_tx bigint[])
RETURNS TABLE (tx bigint, items bigint, tables jsonb, item text, digest text)
LANGUAGE plpgsql STABLE AS $unwind$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT d.tx, sum(d.inserted + d.updated + d.deleted)::bigint,
    jsonb_object_agg(c.label, jsonb_strip_nulls(jsonb_build_object('inserted', nullif(d.inserted, 0),
      'updated', nullif(d.updated, 0), 'deleted', nullif(d.deleted, 0), 'truncated', nullif(d.truncated, 0)))),
    (array_agg(d.item ORDER BY d.seq))[1],
    encode(pg_catalog.sha256(string_agg(d.hash, ''::bytea ORDER BY d.hash)), 'hex')
  FROM (${described.length > 0 ? described.join(' UNION ALL ') : `SELECT NULL::integer AS rel, NULL::bigint AS tx, 0 AS inserted, 0 AS updated, 0 AS deleted, 0 AS truncated, ''::text AS item, NULL::pg_lsn AS seq, NULL::bytea AS hash WHERE false`}) d
  JOIN ${s}.captured c ON c.rel = d.rel
  GROUP BY d.tx;
END $unwind$`,
  ]
}
