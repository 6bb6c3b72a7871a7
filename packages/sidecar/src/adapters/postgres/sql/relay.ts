import { ident } from './quote.js'

/**
 * pending(limit): the next committed transactions after the cursor. Only those below the oldest transaction that still
 * runs: whatever has a smaller number has ended, so nothing can turn up behind the cursor later, although transactions
 * commit in another order than that in which they got their numbers.
 */
export function relayFunctions(schema: string): readonly string[] {
  const s = ident(schema)
  return [
    `
CREATE OR REPLACE FUNCTION ${s}.pending(p_limit integer)
RETURNS TABLE (xid text, id bigint, part smallint, at timestamptz, correlation_id text, items bigint, tables jsonb,
  item text, digest text, late boolean)
LANGUAGE plpgsql STABLE AS $unwind$
#variable_conflict use_column
DECLARE v_rows ${s}.tx[]; v_tx bigint[];
BEGIN
  SELECT array_agg(n), array_agg(n.id) INTO v_rows, v_tx FROM (
    SELECT t.* FROM ${s}.tx t
    WHERE (t.xid, t.id) > ((SELECT r.xid FROM ${s}.relay r), (SELECT r.id FROM ${s}.relay r))
      AND t.xid < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY t.xid, t.id LIMIT p_limit) n;
  IF v_tx IS NULL THEN RETURN; END IF;
  RETURN QUERY
    SELECT t.xid::text, t.id, t.part, t.at, t.correlation_id, coalesce(d.items, 0), coalesce(d.tables, '{}'), d.item, d.digest,
      EXISTS (SELECT FROM ${s}.fence f WHERE f.correlation_id = t.correlation_id AND NOT pg_visible_in_snapshot(t.xid, f.snapshot))
    FROM unnest(v_rows) t
    LEFT JOIN ${s}.describe(v_tx) d ON d.tx = t.id
    ORDER BY t.xid, t.id;
END $unwind$`,
    // Published, old, and by their order at the log's start: no search through what must stay.
    `
CREATE OR REPLACE FUNCTION ${s}.prune(p_before timestamptz, p_limit integer) RETURNS bigint
LANGUAGE plpgsql AS $unwind$
DECLARE v_tx bigint[]; v_last xid8; v_rel integer;
BEGIN
  DELETE FROM ${s}.kept k USING ${s}.effect e WHERE e.key = k.key AND e.at < p_before;
  DELETE FROM ${s}.effect e WHERE e.at < p_before;
  DELETE FROM ${s}.fence f WHERE f.at < p_before;
  SELECT array_agg(o.id), (array_agg(o.xid ORDER BY o.xid DESC))[1] INTO v_tx, v_last FROM (
    SELECT t.id, t.xid, t.at FROM ${s}.tx t
    WHERE (t.xid, t.id) <= ((SELECT r.xid FROM ${s}.relay r), (SELECT r.id FROM ${s}.relay r))
    ORDER BY t.xid, t.id LIMIT p_limit) o WHERE o.at < p_before;
  IF v_tx IS NULL THEN RETURN 0; END IF;
  FOR v_rel IN SELECT c.rel FROM ${s}.captured c LOOP
    EXECUTE format('DELETE FROM ${s}.log_%s WHERE tx = ANY ($1)', v_rel) USING v_tx;
  END LOOP;
  DELETE FROM ${s}.tx t WHERE t.xid <= v_last AND t.id = ANY (v_tx);
  RETURN cardinality(v_tx);
END $unwind$`,
  ]
}
