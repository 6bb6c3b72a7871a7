import { BULK_LOCK, correlationLock } from './base.js'
import { ident } from './quote.js'

/**
 * fence(correlation IDs, rollback IDs, wait): for each, waits for (or, without `wait`, only looks for) forward transactions
 * in flight, puts the mark, and returns what the log holds. A forward transaction holds its correlation ID's lock shared
 * until it ends; so who gets it exclusively knows that everything before the mark is committed and visible.
 */
export function fenceFunction(schema: string): string {
  const s = ident(schema)
  const lock = correlationLock('p_correlations[i]')
  return `
CREATE OR REPLACE FUNCTION ${s}.put_fence(p_correlations text[], p_rollbacks text[], p_wait boolean)
RETURNS TABLE (place integer, fenced boolean, xid text, part smallint, at timestamptz, tables jsonb, item text)
LANGUAGE plpgsql AS $unwind$
#variable_conflict use_column
DECLARE v_ok boolean[] := '{}'; v_bulk boolean; v_tx bigint[];
BEGIN
  -- Transactions of very many correlation IDs hold this one instead; a moment without any of them is enough.
  IF p_wait THEN PERFORM pg_advisory_lock(${BULK_LOCK}); v_bulk := true;
  ELSE v_bulk := pg_try_advisory_lock(${BULK_LOCK});
  END IF;
  IF v_bulk THEN PERFORM pg_advisory_unlock(${BULK_LOCK}); END IF;
  FOR i IN 1..cardinality(p_correlations) LOOP
    IF p_wait THEN
      PERFORM pg_advisory_xact_lock(${lock});
      v_ok[i] := true;
    ELSE
      v_ok[i] := v_bulk AND pg_try_advisory_xact_lock(${lock});
    END IF;
  END LOOP;
  INSERT INTO ${s}.fence (correlation_id, rollback_id, snapshot)
    SELECT c, r, pg_current_snapshot() FROM unnest(p_correlations, p_rollbacks, v_ok) f (c, r, ok) WHERE f.ok ON CONFLICT DO NOTHING;
  SELECT coalesce(array_agg(t.id), '{}') INTO v_tx
    FROM unnest(p_correlations, v_ok) f (c, ok) JOIN ${s}.tx t ON t.correlation_id = f.c WHERE f.ok;
  RETURN QUERY
    SELECT f.i::integer, f.ok, t.xid::text, t.part, t.at, d.tables, d.item
    FROM unnest(p_correlations, v_ok) WITH ORDINALITY f (c, ok, i)
    LEFT JOIN ${s}.tx t ON f.ok AND t.correlation_id = f.c
    LEFT JOIN ${s}.describe(v_tx) d ON d.tx = t.id
    ORDER BY f.i, t.xid, t.part;
END $unwind$`
}
