import type { CapturedTable, Column } from '../layout.js'
import { txId } from './base.js'
import { after, before, logTable } from './capture.js'
import { any, itemText, keyMoved, same, touched } from './compare.js'
import { ident, literal } from './quote.js'

/** Columns that stand for the whole row: it came or went; anything about it changed. */
const WHOLE = 0
const ANYTHING = -1

/**
 * later_<rel>(transactions, since, items): who wrote these rows after `since` under other correlation IDs that are not rolled back:
 * {"<item>#<column>": {seq, by}}, the latest write each. A row that is as it was before the action only because a newer business
 * transaction wrote it must not count as restored: undoing that one afterwards would bring the action's state back (I3, I6).
 * Writes of undos, and of what is undone already, do not count: nobody will take them back again.
 * STRICT: asked for no rows it is not run. By arrays and one map, so that its cost is that of one pass over what was logged since;
 * where that begins in the log's index is known to a plan for these values, and to no other.
 */
export function laterFunction(schema: string, table: CapturedTable): string {
  const s = ident(schema)
  const compared = table.columns.filter(column => !column.ignore)
  const changed = compared.map(
    c => `CASE WHEN NOT (${same(c, `g.${before(c)}`, `g.${after(c)}`)}) THEN ${c.number} END`,
  )
  return `
CREATE OR REPLACE FUNCTION ${s}.later_${table.rel}(p_tx bigint[], p_since pg_lsn, p_items text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT SET plan_cache_mode = force_custom_plan AS $unwind$
DECLARE v_own text[]; v_from bigint;
BEGIN
  -- What was logged before there was a horizon may be followed by anything.
  SELECT coalesce(array_agg(t.correlation_id), '{}'), CASE WHEN bool_and(t.horizon IS NOT NULL) THEN min(${txId('t.horizon::text::bigint')}) ELSE 0 END
    INTO v_own, v_from FROM ${s}.tx_of(p_tx) t;
  RETURN (
    WITH hit AS MATERIALIZED (
      SELECT g.tx, v.item, c.number, max(g.seq) AS seq
      FROM ${logTable(schema, table.rel)} g
      CROSS JOIN LATERAL (
        SELECT ${itemText(table, 'before', 'g')} WHERE g.op <> 'I'
        UNION ALL SELECT ${itemText(table, 'after', 'g')} WHERE g.op = 'I' OR (${keyMoved(table, 'g')})) v (item)
      CROSS JOIN LATERAL unnest(CASE WHEN g.op <> 'U' THEN ARRAY[${WHOLE}, ${ANYTHING}]
        ELSE array_remove(ARRAY[${[...changed, `CASE WHEN ${any(compared, c => `NOT (${same(c, `g.${before(c)}`, `g.${after(c)}`)})`)} THEN ${ANYTHING} END`].join(', ')}]::integer[], NULL) END) c (number)
      WHERE g.tx >= v_from AND g.seq > p_since AND g.op <> 'T' AND g.tx <> ALL (p_tx) AND (v.item IN (SELECT unnest(p_items))) IS TRUE
      GROUP BY 1, 2, 3
    ), writer AS MATERIALIZED (
      SELECT t.id, t.correlation_id FROM ${s}.tx_of(ARRAY(SELECT DISTINCT h.tx FROM hit h)) t
        WHERE t.correlation_id <> ALL (v_own)
        AND t.correlation_id IS DISTINCT FROM current_setting('unwind.rollback_id', true)
        AND NOT EXISTS (SELECT FROM ${s}.effect e WHERE e.rollback_id = t.correlation_id) AND NOT ${s}.undone(t.correlation_id)
    ), latest AS (
      SELECT DISTINCT ON (h.item, h.number) h.item, h.number, h.seq, w.correlation_id
      FROM hit h JOIN writer w ON w.id = h.tx ORDER BY h.item, h.number, h.seq DESC)
    SELECT jsonb_object_agg(l.item || '#' || l.number, jsonb_build_object('seq', l.seq, 'by', l.correlation_id)) FROM latest l);
END $unwind$`
}

/** undone(correlation ID): is it rolled back, and that rollback not rolled back in its turn? */
export function undoneFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.undone(p_correlation text) RETURNS boolean LANGUAGE plpgsql STABLE AS $unwind$
DECLARE v_rollback text;
BEGIN
  FOR v_rollback IN SELECT DISTINCT e.rollback_id FROM ${s}.effect e WHERE e.correlation_id = p_correlation AND e.rollback_id <> p_correlation LOOP
    IF NOT ${s}.undone(v_rollback) THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $unwind$`
}

/** Which entries of the map concern a net change `n`: those of the columns that it changed. Differences commute. */
export function concerned(table: CapturedTable): string {
  const images = table.columns.filter(column => !column.ignore && !column.delta)
  const each = (column: Column) => `CASE WHEN ${touched(column)} THEN ${column.number} END`
  if (images.length === 0) return `CASE WHEN n.op <> 'U' THEN ARRAY[${ANYTHING}] END`
  return `CASE WHEN n.op <> 'U' THEN ARRAY[${ANYTHING}]
        WHEN ${any(images, touched)} THEN array_remove(ARRAY[${[String(WHOLE), ...images.map(each)].join(', ')}]::integer[], NULL) END`
}

/** What a person is told: whose write it is, and what to do. */
export function laterDifference(item: string, op: string, by: string): string {
  const said = `format('as before the action, but only by a later write under correlation ID %s: roll that back first, then retry', ${by})`
  return `jsonb_build_array(jsonb_build_object('item', ${item}, 'field', '', 'before', CASE WHEN ${op} <> 'I' THEN ${literal('"row"')} END,
        'after', CASE WHEN ${op} <> 'D' THEN ${literal('"row"')} END, 'current', to_jsonb(${said})::text))`
}
