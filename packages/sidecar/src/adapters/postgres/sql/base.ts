import { ident, literal } from './quote.js'

export type FenceMode = 'expose' | 'reject'

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
    // One row a transaction and correlation ID: what is an action to everybody else. `horizon`: whoever writes after this
    // transaction has this number or a higher one.
    `CREATE TABLE IF NOT EXISTS ${s}.tx (
       id bigint NOT NULL, xid xid8 NOT NULL, part smallint NOT NULL,
       at timestamptz NOT NULL, correlation_id text NOT NULL, horizon xid8)`,
    `CREATE INDEX IF NOT EXISTS tx_correlation ON ${s}.tx (correlation_id)`,
    `CREATE INDEX IF NOT EXISTS tx_relay ON ${s}.tx (xid, id)`,
    // Before generator version 4: those rows keep the numbers that a sequence gave, and have no horizon. Asked first, since
    // the change would lock the table also where there is nothing to change.
    `DO $unwind$ BEGIN
       IF NOT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = ${literal(`${s}.tx`)}::regclass AND attname = 'horizon') THEN
         ALTER TABLE ${s}.tx ADD COLUMN horizon xid8;
       END IF;
     END $unwind$`,
    `DROP INDEX IF EXISTS ${s}.tx_number`,
    `DROP SEQUENCE IF EXISTS ${s}.tx_id`,
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

/** Beside the transaction's number in that of a row of `tx`: which of its correlation IDs it is. */
const PART_BITS = 15
/** Below it are the numbers that a sequence gave before generator version 4. */
const FIRST_ID = 2n ** 62n

/** The number of a transaction's row in `tx`, from the transaction's as bigint. */
export function txId(xid: string, part = '0'): string {
  return `(${FIRST_ID} + (${xid} << ${PART_BITS}) + ${part})`
}

/** As txId of the running transaction, with nothing in it that is looked up along a search path. */
const OWN_ID = `pg_catalog.int8pl(pg_catalog.int8shl(pg_catalog.txid_current(), ${PART_BITS}), ${FIRST_ID})`

/** Its row in `tx` tells which correlation ID and horizon; as columns of tx. */
const newRow = (
  id: string,
  part: string,
) => `${id}, pg_catalog.pg_current_xact_id(), ${part}, pg_catalog.now(), c,
        pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())`

const remember = (id: string) =>
  `pg_catalog.set_config('unwind.tx', ${id}::pg_catalog.text, true) IS NULL
      OR pg_catalog.set_config('unwind.tx_for', pg_catalog.textcat('=', c), true) IS NULL`

/**
 * What the first captured row of a transaction does; `c` is the correlation ID. The rows after it find the answer in
 * settings that are local to the transaction, and are undone with a savepoint as the row itself is. The setting holds "=" and
 * the ID, so that it equals no ID that is empty.
 *
 * Stands in the trigger's function itself, so nothing in it is looked up along the caller's search path. Functions are called in
 * expressions, not by PERFORM, which would run a query for each, and in as few expressions as can be.
 */
export function beginStatements(schema: string, fence: FenceMode): string {
  const s = ident(schema)
  return `IF pg_catalog.texteq(pg_catalog.current_setting('unwind.tx_for', true), '') IS FALSE THEN
      IF ${s}.enter(c) IS NULL THEN END IF;
    ELSE
      IF pg_catalog.pg_advisory_xact_lock_shared(${correlationLock('c')}) IS NULL
        OR ${remember(OWN_ID)} THEN END IF;${lateCheck(s, fence)}
      INSERT INTO ${s}.tx VALUES (${newRow(OWN_ID, '0')});
    END IF;`
}

function lateCheck(s: string, fence: FenceMode): string {
  if (fence === 'expose') return ''
  return `
      IF EXISTS (SELECT FROM ${s}.fence f WHERE f.correlation_id OPERATOR(pg_catalog.=) c) THEN
        RAISE EXCEPTION 'correlation ID % is being rolled back: this write came too late', c
          USING ERRCODE = 'UW010', HINT = 'Begin a new business transaction under another correlation ID.';
      END IF;`
}

/** enter(correlation ID): the same for a transaction that has written under another ID before. */
export function enterFunction(schema: string, fence: FenceMode): string {
  const s = ident(schema)
  return `
CREATE OR REPLACE FUNCTION ${s}.enter(c text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $unwind$
DECLARE v_part integer := coalesce(nullif(current_setting('unwind.parts', true), '')::integer, 1); v_id bigint;
BEGIN
  SELECT t.id INTO v_id FROM ${s}.tx t WHERE t.correlation_id = c AND t.xid = pg_current_xact_id();
  IF v_id IS NULL THEN
    IF v_part < ${LOCKS_PER_TRANSACTION} THEN
      IF pg_advisory_xact_lock_shared(${correlationLock('c')}) IS NULL THEN END IF;
    ELSIF v_part = ${LOCKS_PER_TRANSACTION} THEN
      IF pg_advisory_xact_lock_shared(${BULK_LOCK}) IS NULL THEN END IF;
    END IF;${lateCheck(s, fence)}
    v_id := ${txId('txid_current()', 'v_part')};
    INSERT INTO ${s}.tx VALUES (${newRow('v_id', 'v_part')});
    IF set_config('unwind.parts', (v_part + 1)::text, true) IS NULL THEN END IF;
  END IF;
  IF ${remember('v_id')} THEN END IF;
END $unwind$`
}

/**
 * tx_of(numbers): their rows in `tx`, whose index is by transaction. A number holds its transaction's, but those that a
 * sequence gave: they are looked for in all rows, as long as there are such.
 */
export function txFunction(schema: string): string {
  const s = ident(schema)
  return `
CREATE OR REPLACE FUNCTION ${s}.tx_of(p_tx bigint[]) RETURNS SETOF ${s}.tx LANGUAGE plpgsql STABLE AS $unwind$
DECLARE v_old bigint[] := ARRAY(SELECT i FROM unnest(p_tx) i WHERE i < ${FIRST_ID});
BEGIN
  RETURN QUERY SELECT t.* FROM (SELECT DISTINCT i FROM unnest(p_tx) i WHERE i >= ${FIRST_ID}) n (id)
    JOIN ${s}.tx t ON t.xid = (((n.id - ${FIRST_ID}) >> ${PART_BITS})::text)::xid8 AND t.id = n.id;
  IF v_old <> '{}' THEN RETURN QUERY SELECT t.* FROM ${s}.tx t WHERE t.id = ANY (v_old); END IF;
END $unwind$`
}
