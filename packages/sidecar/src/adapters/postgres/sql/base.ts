import { ident, literal } from './quote.js'

/** Schema and tables that every capture needs. Idempotent. */
export function baseStatements(schema: string): readonly string[] {
  const s = ident(schema)
  return [
    `CREATE SCHEMA IF NOT EXISTS ${s}`,
    `COMMENT ON SCHEMA ${s} IS 'Unwind: undo log, effects and fences. Installed and removed by "unwind capture".'`,
    `CREATE TABLE IF NOT EXISTS ${s}.meta (system text PRIMARY KEY, settings text[] NOT NULL, fence text NOT NULL)`,
    // One row a captured table and layout. Retired ones stay while their log does.
    `CREATE TABLE IF NOT EXISTS ${s}.captured (
       rel integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
       table_oid oid NOT NULL, label text NOT NULL, active boolean NOT NULL,
       layout text NOT NULL, columns text NOT NULL, spec text NOT NULL, depth integer NOT NULL, on_conflict text)`,
    // Cached per session: the order of changes is that of the log's LSN, so numbers need only be unique.
    `CREATE SEQUENCE IF NOT EXISTS ${s}.tx_id CACHE 64`,
    // One row a transaction and correlation ID: what is an action to everybody else.
    `CREATE TABLE IF NOT EXISTS ${s}.tx (
       id bigint NOT NULL, xid xid8 NOT NULL, part smallint NOT NULL,
       at timestamptz NOT NULL, correlation_id text NOT NULL)`,
    `CREATE INDEX IF NOT EXISTS tx_correlation ON ${s}.tx (correlation_id)`,
    `CREATE INDEX IF NOT EXISTS tx_relay ON ${s}.tx (xid, id)`,
    // Which transaction an entry of a log belongs to. Summaries cost the application's writes next to nothing, and suffice for a rare look.
    `CREATE INDEX IF NOT EXISTS tx_number ON ${s}.tx USING brin (id) WITH (autosummarize = on)`,
    // The record that an effect happened (I2). Its key is the step's idempotency key.
    `CREATE TABLE IF NOT EXISTS ${s}.effect (
       key text PRIMARY KEY, rollback_id text NOT NULL, correlation_id text NOT NULL,
       at timestamptz NOT NULL DEFAULT now(), undo_tx bigint, items bigint NOT NULL DEFAULT 0,
       from_digest text, notes text[] NOT NULL DEFAULT '{}')`,
    `CREATE INDEX IF NOT EXISTS effect_correlation ON ${s}.effect (correlation_id)`,
    `CREATE INDEX IF NOT EXISTS effect_rollback ON ${s}.effect (rollback_id)`,
    // Rows in which newer data was left because a policy or a named actor chose it.
    `CREATE TABLE IF NOT EXISTS ${s}.kept (key text NOT NULL, item text NOT NULL, PRIMARY KEY (key, item))`,
    `CREATE TABLE IF NOT EXISTS ${s}.fence (
       correlation_id text NOT NULL, rollback_id text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
       snapshot pg_snapshot NOT NULL, PRIMARY KEY (correlation_id, rollback_id))`,
    `CREATE TABLE IF NOT EXISTS ${s}.relay (
       one boolean PRIMARY KEY DEFAULT true CHECK (one), xid xid8 NOT NULL, id bigint NOT NULL)`,
    `INSERT INTO ${s}.relay (xid, id) VALUES ('0', 0) ON CONFLICT DO NOTHING`,
  ]
}

/**
 * The columns of a table as one text, as cheap as it can be: compared for every step with what install noted, and only when it
 * differs is it found out how.
 */
export function liveColumns(oid: string): string {
  return `(SELECT string_agg(a.attnum || ' ' || a.attname || ' ' || a.atttypid, ',' ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = ${oid} AND a.attnum > 0 AND NOT a.attisdropped)`
}

/** The advisory lock of a correlation ID: shared by its forward transactions, exclusive for its fence. */
export function correlationLock(expression: string): string {
  return `pg_catalog.hashtextextended(${expression}, ${LOCK_SEED})`
}
const LOCK_SEED = 7203114
/** Held by transactions of very many correlation IDs instead of one lock each: the lock table is of fixed size. */
export const BULK_LOCK = 7203115
/** Locks of its own that one transaction takes before it takes the bulk lock. */
export const LOCKS_PER_TRANSACTION = 32

/**
 * Called by the first captured row of a correlation ID in a transaction; the rows after it find the answer in
 * a setting that is local to the transaction, and is undone with a savepoint as the row itself is. The setting holds "=" and
 * the ID, so that it equals no ID that is empty.
 *
 * Functions are called in expressions, not by PERFORM, which would run a query for each.
 */
export function enterFunction(schema: string, fence: 'expose' | 'reject'): string {
  const s = ident(schema)
  const reject = `
  IF EXISTS (SELECT FROM ${s}.fence f WHERE f.correlation_id = c) THEN
    RAISE EXCEPTION 'correlation ID % is being rolled back: this write came too late', c
      USING ERRCODE = 'UW010', HINT = 'Begin a new business transaction under another correlation ID.';
  END IF;`
  return `
CREATE OR REPLACE FUNCTION ${s}.enter(c text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $unwind$
DECLARE v_part integer := 0; v_id bigint;
BEGIN
  IF current_setting('unwind.tx_for', true) <> '' THEN
    v_part := coalesce(nullif(current_setting('unwind.parts', true), '')::integer, 1);
    SELECT t.id INTO v_id FROM ${s}.tx t WHERE t.correlation_id = c AND t.xid = pg_current_xact_id();
  END IF;
  IF v_id IS NULL THEN
    IF v_part < ${LOCKS_PER_TRANSACTION} THEN
      IF pg_advisory_xact_lock_shared(${correlationLock('c')}) IS NULL THEN END IF;
    ELSIF v_part = ${LOCKS_PER_TRANSACTION} THEN
      IF pg_advisory_xact_lock_shared(${BULK_LOCK}) IS NULL THEN END IF;
    END IF;${fence === 'reject' ? reject : ''}
    v_id := nextval(${literal(`${s}.tx_id`)});
    INSERT INTO ${s}.tx (id, xid, part, at, correlation_id)
      VALUES (v_id, pg_current_xact_id(), v_part, now(), c);
    IF v_part > 0 THEN PERFORM set_config('unwind.parts', (v_part + 1)::text, true); END IF;
  END IF;
  IF set_config('unwind.tx', v_id::text, true) IS NULL OR set_config('unwind.tx_for', '=' || c, true) IS NULL THEN END IF;
END $unwind$`
}
