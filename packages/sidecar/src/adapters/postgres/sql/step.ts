import { actFunctions } from './act.js'
import { undoneFunction } from './later.js'
import { ident } from './quote.js'

/**
 * The functions that a step calls: one round trip each. They raise with a code of the class UW, which `errors.ts` knows:
 * UW001 conflict (DETAIL: the differences as JSON) · UW002 the undo log does not hold the action · UW003 the table's
 * structure does not fit · UW004 the action cannot be undone.
 */
export function stepFunctions(schema: string): readonly string[] {
  const s = ident(schema)
  return [
    resolveFunction(s),
    undoneFunction(s),
    layoutFunction(s),
    checkFunction(s),
    ...actFunctions(s),
    undoStep(s),
    reviewStep(s),
  ]
}

/** The log's number of each named action. */
function resolveFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.resolve(p_correlation text, p_xids xid8[], p_parts smallint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE AS $unwind$
DECLARE v_tx bigint[]; v_gone text;
BEGIN
  SELECT array_agg(t.id) INTO v_tx FROM ${s}.tx t
    WHERE t.correlation_id = p_correlation AND (t.xid, t.part) IN (SELECT x, p FROM unnest(p_xids, p_parts) a (x, p));
  IF coalesce(cardinality(v_tx), 0) < cardinality(p_xids) THEN
    SELECT string_agg(a.x::text, ', ') INTO v_gone FROM unnest(p_xids, p_parts) a (x, p) WHERE NOT EXISTS
      (SELECT FROM ${s}.tx t WHERE t.correlation_id = p_correlation AND t.xid = a.x AND t.part = a.p);
    RAISE EXCEPTION 'the undo log holds no transaction % of correlation ID %', v_gone, p_correlation USING ERRCODE = 'UW002',
      HINT = 'It was older than the retention, or belongs to another database. Resolve the step by hand.';
  END IF;
  RETURN v_tx;
END $unwind$`
}

/** The columns that a table has now, in the form in which install noted them. */
function layoutFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.live_columns(p_table oid) RETURNS TABLE (number smallint, name text, type text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $unwind$
  SELECT a.attnum, a.attname::text,
    format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, -1)
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = p_table AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  ORDER BY a.attnum
$unwind$`
}

/** Does the table still have the columns that the action was logged with? */
function checkFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.check_layout(p_rel integer) RETURNS void LANGUAGE plpgsql STABLE AS $unwind$
DECLARE c ${s}.captured; v_gone text; v_new text;
BEGIN
  SELECT * INTO c FROM ${s}.captured k WHERE k.rel = p_rel;
  SELECT string_agg(format('column %s of type %s %s', l.value->>1, l.value->>2,
      CASE WHEN v.name IS NULL THEN 'is gone' ELSE 'is now of type ' || v.type END), '; ') INTO v_gone
    FROM jsonb_array_elements(c.layout::jsonb->'columns') l
    LEFT JOIN ${s}.live_columns(c.table_oid) v ON v.name = l.value->>1
    WHERE v.type IS DISTINCT FROM l.value->>2;
  IF v_gone IS NOT NULL THEN
    RAISE EXCEPTION '%: since the action, %', c.label, v_gone USING ERRCODE = 'UW003',
      HINT = 'The images of the action do not fit any more: undo it by hand and resolve the step.';
  END IF;
  IF c.active THEN
    SELECT string_agg(v.name, ', ') INTO v_new FROM ${s}.live_columns(c.table_oid) v
      WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(c.layout::jsonb->'columns') l WHERE l.value->>1 = v.name);
    IF v_new IS NOT NULL THEN
      RAISE EXCEPTION '%: capture does not know column %, so changes of it were not logged', c.label, v_new
        USING ERRCODE = 'UW003', HINT = 'Run "unwind capture install", then retry: the column itself is left as it is.';
    END IF;
  END IF;
END $unwind$`
}

/**
 * The step: effect and effect record in one transaction. Two calls with one key meet at the record's unique key: the
 * second waits for the first and returns what it stored (I2).
 */
function undoStep(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.undo(p_key text, p_rollback text, p_correlation text, p_xids xid8[], p_parts smallint[],
  p_resolution text, p_default text, OUT before boolean, OUT items bigint, OUT from_digest text, OUT notes text[])
LANGUAGE plpgsql AS $unwind$
DECLARE v_tx bigint[]; v_undo bigint; v_kept bigint; v_forced bigint; v_rels integer[];
  v_rel integer; v_hash bytea; v_hashes bytea[] := '{}';
BEGIN
  INSERT INTO ${s}.effect (key, rollback_id, correlation_id) VALUES (p_key, p_rollback, p_correlation) ON CONFLICT DO NOTHING;
  before := NOT FOUND;
  IF before THEN
    SELECT e.items, e.from_digest, e.notes INTO items, from_digest, notes FROM ${s}.effect e WHERE e.key = p_key;
    RETURN;
  END IF;
  v_tx := ${s}.resolve(p_correlation, p_xids, p_parts);
  -- The undo is an action itself, under the rollback's own ID, so that a mistaken rollback can be rolled back.
  PERFORM set_config(g, p_rollback, true) FROM ${s}.meta m, unnest(m.settings || 'unwind.rollback_id'::text) g;
  FOR v_variant IN 1..3 LOOP
    BEGIN
      SET CONSTRAINTS ALL DEFERRED;
      IF v_variant < 3 THEN
        SELECT a.items, a.overwritten, a.rels INTO items, v_forced, v_rels
          FROM ${s}.act(v_tx, v_variant, p_resolution, p_default, p_key) a;
      ELSE
        SELECT a.items, a.overwritten, a.rels INTO items, v_forced, v_rels
          FROM ${s}.act_singly(v_tx, p_resolution, p_default, p_key) a;
      END IF;
      SET CONSTRAINTS ALL IMMEDIATE;
      EXIT;
    EXCEPTION WHEN integrity_constraint_violation THEN
      IF v_variant = 3 THEN RAISE; END IF;
    END;
  END LOOP;
  notes := '{}';
  SELECT count(*) INTO v_kept FROM ${s}.kept k WHERE k.key = p_key;
  IF v_kept > 0 THEN notes := notes || format('kept newer data in %s rows', v_kept); END IF;
  IF v_forced > 0 THEN notes := notes || format('overwrote newer data in %s rows', v_forced); END IF;
  IF p_resolution IS NOT NULL THEN notes := notes || format('conflicts were resolved by "%s"', p_resolution); END IF;
  IF current_setting('unwind.tx_for', true) = '=' || p_rollback THEN
    v_undo := current_setting('unwind.tx')::bigint;
    FOREACH v_rel IN ARRAY v_rels LOOP
      EXECUTE format('SELECT ${s}.found_%s($1)', v_rel) INTO v_hash USING v_undo;
      v_hashes := v_hashes || v_hash;
    END LOOP;
    from_digest := (SELECT encode(sha256(string_agg(h, ''::bytea ORDER BY h)), 'hex') FROM unnest(v_hashes) h);
  END IF;
  UPDATE ${s}.effect e SET undo_tx = v_undo, items = undo.items, from_digest = undo.from_digest, notes = undo.notes
    WHERE e.key = p_key;
END $unwind$`
}

/** The step's rows against the current state, changing nothing: for probe (with its key) and preview (without). */
function reviewStep(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.review(p_key text, p_correlation text, p_xids xid8[], p_parts smallint[],
  OUT effect boolean, OUT expected bigint, OUT restored bigint, OUT kept bigint, OUT digest text, OUT differences jsonb,
  OUT truncated text[])
LANGUAGE plpgsql STABLE AS $unwind$
DECLARE v_tx bigint[]; v_undo bigint; w record; x record; v_hashes bytea[] := '{}'; v_part jsonb;
BEGIN
  expected := 0; restored := 0; kept := 0; differences := '[]'; truncated := '{}';
  -- An undo that had nothing to do left no transaction: 0 is nobody's, and says that the step was taken.
  SELECT coalesce(e.undo_tx, 0) INTO v_undo FROM ${s}.effect e WHERE e.key = p_key;
  effect := FOUND;
  v_tx := ${s}.resolve(p_correlation, p_xids, p_parts);
  FOR w IN SELECT k.rel, bool_and(k.single) AS single, k.label, bool_or(k.op = 'T') AS truncated,
      bool_and(k.fits) AS fits FROM ${s}.work(v_tx, 1) k
      GROUP BY k.rel, k.label ORDER BY k.rel LOOP
    IF w.truncated THEN truncated := truncated || w.label; END IF;
    IF w.fits IS NOT TRUE THEN PERFORM ${s}.check_layout(w.rel); END IF;
    EXECUTE format('SELECT * FROM ${s}.tally_%s($1, $2, $3, $4)', w.rel) INTO x USING v_tx, w.single, v_undo, p_key;
    expected := expected + x.expected; restored := restored + x.restored; kept := kept + x.kept; v_hashes := v_hashes || x.hash;
    IF x.restored < x.expected THEN
      EXECUTE format('SELECT coalesce(jsonb_agg(d.value || jsonb_build_object(''verdict'', d.verdict)), ''[]'')
          FROM (SELECT e.value, r.verdict FROM ${s}.review_%s($1, $2, $3, NULL) r, jsonb_array_elements(r.differences) e
            WHERE r.verdict <> ''restored'' ORDER BY r.verdict LIMIT 100) d', w.rel)
        INTO v_part USING v_tx, w.single, v_undo;
      differences := differences || v_part;
    END IF;
  END LOOP;
  digest := (SELECT encode(sha256(string_agg(h, ''::bytea ORDER BY h)), 'hex') FROM unnest(v_hashes) h);
END $unwind$`
}
