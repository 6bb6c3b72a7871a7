import { liveColumns } from './base.js'

/** The passes over the tables of a step. `s` is the quoted schema. */
export function actFunctions(s: string): readonly string[] {
  return [workFunction(s), conflictsFunction(s), orderFunction(s), actFunction(s), singlyFunction(s)]
}

/**
 * What there is to do, in an order that foreign keys allow: deleted rows come back (referred-to tables first), updates,
 * inserted rows go (referring tables first). Variant 2 lets inserted rows go first: a replaced row has to go before the
 * one that held the same unique value comes back. Updates are taken in the order in which the action took them, so that
 * an undo and the application's own transactions lock rows in the same order.
 */
function workFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.work(p_tx bigint[], p_variant integer)
RETURNS TABLE (rel integer, op "char", single boolean, label text, on_conflict text, fits boolean)
LANGUAGE plpgsql STABLE AS $unwind$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH logged AS (
    SELECT t.rel, sum(t.rows) AS total, string_agg(t.op::text, '') AS ops, min(t.first) AS first
    FROM ${s}.touched(p_tx) t GROUP BY t.rel)
  SELECT l.rel, k.op::"char", l.total = 1, c.label, c.on_conflict, c.columns = ${liveColumns('c.table_oid')}
  FROM logged l JOIN ${s}.captured c ON c.rel = l.rel
  CROSS JOIN (VALUES ('D', 1, 3), ('U', 2, 2), ('I', 3, 1), ('T', 0, 0)) k (op, first, second)
  -- A row that was deleted and inserted again is an update in the end.
  WHERE strpos(l.ops, k.op) > 0 OR (k.op = 'U' AND strpos(l.ops, 'D') > 0 AND strpos(l.ops, 'I') > 0)
  ORDER BY CASE p_variant WHEN 1 THEN k.first ELSE k.second END,
    CASE k.op WHEN 'D' THEN c.depth WHEN 'I' THEN -c.depth ELSE 0 END, l.first, l.rel DESC;
END $unwind$`
}

/** All that a person must know about newer data in the way, over all tables of the step. */
function conflictsFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.conflicts(p_tx bigint[]) RETURNS jsonb LANGUAGE plpgsql AS $unwind$
DECLARE w record; v_all jsonb := '[]'; v_part jsonb;
BEGIN
  FOR w IN SELECT DISTINCT k.rel, k.single FROM ${s}.work(p_tx, 1) k LOOP
    EXECUTE format('SELECT coalesce(jsonb_agg(d.value), ''[]'') FROM (SELECT e.value FROM ${s}.review_%s($1, $2, NULL, NULL) r,
        jsonb_array_elements(r.differences) e WHERE r.verdict = ''conflict'' LIMIT 100) d', w.rel)
      INTO v_part USING p_tx, w.single;
    v_all := v_all || v_part;
  END LOOP;
  RETURN v_all;
END $unwind$`
}

/** Rows whose keys changed can stand in each other's way, so that an apparent conflict may be one of order only. */
function orderFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.order_matters(p_tx bigint[]) RETURNS boolean LANGUAGE plpgsql AS $unwind$
DECLARE v_rel integer; v_moved boolean;
BEGIN
  FOR v_rel IN SELECT DISTINCT k.rel FROM ${s}.work(p_tx, 1) k LOOP
    EXECUTE format('SELECT ${s}.moved_%s($1)', v_rel) INTO v_moved USING p_tx;
    IF v_moved THEN RETURN true; END IF;
  END LOOP;
  RETURN false;
END $unwind$`
}

/** One pass, a statement a table and kind of change. Stops at the first row that is not ours any more. */
function actFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.act(p_tx bigint[], p_variant integer, p_resolution text, p_default text, p_key text,
  OUT items bigint, OUT overwritten bigint, OUT rels integer[])
LANGUAGE plpgsql AS $unwind$
DECLARE w record; v_mode text; v_wanted bigint; v_acted bigint; v_forced bigint; v_conflicts bigint; v_open bigint;
BEGIN
  items := 0; overwritten := 0; rels := '{}';
  FOR w IN SELECT * FROM ${s}.work(p_tx, p_variant) LOOP
    IF w.op = 'T' THEN
      RAISE EXCEPTION '% was truncated: no images of its rows exist', w.label USING ERRCODE = 'UW004',
        HINT = 'Restore the table from a backup or snapshot and resolve the step.';
    END IF;
    IF w.fits IS NOT TRUE THEN PERFORM ${s}.check_layout(w.rel); END IF;
    v_mode := coalesce(p_resolution, w.on_conflict, p_default);
    EXECUTE format('SELECT wanted, acted, forced FROM ${s}.undo_%s($1, $2, $3, $4, $5, NULL)', w.rel)
      INTO v_wanted, v_acted, v_forced USING w.op, p_tx, w.single, v_mode, p_key;
    IF v_acted > 0 AND w.rel <> ALL (rels) THEN rels := rels || w.rel; END IF;
    items := items + v_wanted; overwritten := overwritten + coalesce(v_forced, 0);
    CONTINUE WHEN v_acted >= v_wanted OR v_mode <> 'park';
    EXECUTE format('SELECT count(*) FILTER (WHERE r.verdict = ''conflict''), count(*) FILTER (WHERE r.verdict = ''ours'')
        FROM ${s}.review_%s($1, $2, NULL, NULL) r WHERE r.op = $3', w.rel)
      INTO v_conflicts, v_open USING p_tx, w.single, w.op;
    IF v_conflicts > 0 THEN
      IF ${s}.order_matters(p_tx) THEN RAISE integrity_constraint_violation USING MESSAGE = 'another order is needed'; END IF;
      RAISE EXCEPTION 'newer data is in the way' USING ERRCODE = 'UW001', DETAIL = ${s}.conflicts(p_tx)::text;
    ELSIF v_open > 0 THEN
      RAISE serialization_failure USING MESSAGE = format('rows of %s changed while they were being undone', w.label);
    END IF;
  END LOOP;
END $unwind$`
}

/**
 * The last resort, when no order of whole tables fits: each logged change by itself, in reverse. One that a constraint or
 * another row stands against waits for the next round, until a round brings nothing; so the order that is needed (a cascade logs
 * the parent before its children, a statement logs rows in any order) is found without knowing it.
 */
function singlyFunction(s: string): string {
  return `
CREATE OR REPLACE FUNCTION ${s}.act_singly(p_tx bigint[], p_resolution text, p_default text, p_key text,
  OUT items bigint, OUT overwritten bigint, OUT rels integer[])
LANGUAGE plpgsql AS $unwind$
DECLARE
  v_rel integer[]; v_op "char"[]; v_seq pg_lsn[]; v_found text[]; v_left_as text[]; v_held text[]; v_left integer[]; v_wait integer[]; i integer; w record;
  v_mode text; v_wanted bigint; v_acted bigint; v_forced bigint; v_done boolean; v_open bigint; v_conflicts jsonb;
  v_message text; v_detail text; v_constraint text; v_schema text; v_table text;
BEGIN
  overwritten := 0; rels := '{}'; items := 0;
  SELECT array_agg(e.rel ORDER BY e.seq DESC), array_agg(e.op ORDER BY e.seq DESC), array_agg(e.seq ORDER BY e.seq DESC),
      array_agg(e.found_as ORDER BY e.seq DESC), array_agg(e.left_as ORDER BY e.seq DESC)
    INTO v_rel, v_op, v_seq, v_found, v_left_as FROM ${s}.entries(p_tx) e;
  v_left := ARRAY(SELECT generate_series(1, cardinality(v_seq)));
  WHILE cardinality(v_left) > 0 LOOP
    v_wait := '{}'; v_held := '{}'; v_message := NULL;
    FOREACH i IN ARRAY v_left LOOP
      -- A row's changes are undone strictly last first: while a later one waits, the earlier ones do.
      IF v_left_as[i] = ANY (v_held) THEN v_wait := v_wait || i; v_held := v_held || v_found[i]; CONTINUE; END IF;
      v_mode := coalesce(p_resolution, (SELECT c.on_conflict FROM ${s}.captured c WHERE c.rel = v_rel[i]), p_default);
      BEGIN
        EXECUTE format('SELECT wanted, acted, forced FROM ${s}.undo_%s($1, $2, false, $3, $4, $5)', v_rel[i])
          INTO v_wanted, v_acted, v_forced USING v_op[i], p_tx, v_mode, p_key, v_seq[i];
        v_open := 0;
        IF v_acted < v_wanted AND v_mode = 'park' THEN
          EXECUTE format('SELECT count(*) FROM ${s}.review_%s($1, false, NULL, $2) r WHERE r.verdict IN (''conflict'', ''ours'')', v_rel[i])
            INTO v_open USING p_tx, v_seq[i];
        END IF;
        v_done := v_open = 0;
      EXCEPTION WHEN integrity_constraint_violation THEN
        v_done := false;
        GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_constraint = CONSTRAINT_NAME,
          v_schema = SCHEMA_NAME, v_table = TABLE_NAME;
      END;
      IF NOT v_done THEN v_wait := v_wait || i; v_held := v_held || v_found[i]; CONTINUE; END IF;
      overwritten := overwritten + coalesce(v_forced, 0);
      IF v_acted > 0 AND v_rel[i] <> ALL (rels) THEN rels := rels || v_rel[i]; END IF;
    END LOOP;
    IF cardinality(v_wait) = cardinality(v_left) THEN
      v_conflicts := ${s}.conflicts(p_tx);
      IF v_message IS NULL AND jsonb_array_length(v_conflicts) = 0 THEN
        v_conflicts := jsonb_build_array(jsonb_build_object('item', v_found[v_wait[1]], 'field', '', 'current', '"no order of undoing its changes fits"'));
      END IF;
      IF v_message IS NULL OR jsonb_array_length(v_conflicts) > 0 THEN
        RAISE EXCEPTION 'newer data is in the way' USING ERRCODE = 'UW001', DETAIL = v_conflicts::text;
      END IF;
      RAISE integrity_constraint_violation USING MESSAGE = v_message, DETAIL = v_detail, CONSTRAINT = v_constraint,
        SCHEMA = v_schema, TABLE = v_table;
    END IF;
    v_left := v_wait;
  END LOOP;
  FOR w IN SELECT DISTINCT k.rel FROM ${s}.work(p_tx, 1) k LOOP
    EXECUTE format('SELECT count(*) FROM ${s}.net_%s($1, false, NULL)', w.rel) INTO v_wanted USING p_tx;
    items := items + v_wanted;
  END LOOP;
END $unwind$`
}
