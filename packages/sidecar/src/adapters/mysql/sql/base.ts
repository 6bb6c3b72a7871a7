import { ident, literal } from './quote.js'

/** Slots of the gate: a fence waits for forward transactions of its own slot, so few share one. */
export const SLOTS = 16_384
export const TEXT = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin'
/** Longest correlation ID, in characters: an index holds no more. */
export const LONGEST_ID = 500

/** The correlation ID's slot of the gate. */
export const slotOf = (expression: string) => `CRC32(${expression}) % ${SLOTS}`

/**
 * The mark of a fenced correlation ID inside its slot: the binary hash as hex between line ends, so that no ID can be
 * contained in another.
 */
export const markOf = (expression: string) => `CONCAT('\\n', SHA2(${expression}, 256), '\\n')`

/** Database and tables that every capture needs. Idempotent. */
export function baseStatements(database: string): readonly string[] {
  const d = ident(database)
  const table = (name: string, columns: string, comment: string) =>
    `CREATE TABLE IF NOT EXISTS ${d}.${name} (${columns}) ENGINE=InnoDB DEFAULT ${TEXT} COMMENT=${literal(comment)}`
  return [
    `CREATE DATABASE IF NOT EXISTS ${d} ${TEXT}`,
    table(
      'meta',
      'system VARCHAR(200) PRIMARY KEY, variables TEXT NOT NULL, fence VARCHAR(10) NOT NULL, generator INT NOT NULL',
      'Unwind: whose capture this is',
    ),
    table(
      'captured',
      `rel INT AUTO_INCREMENT PRIMARY KEY, label VARCHAR(140) NOT NULL, active BOOLEAN NOT NULL,
       signature LONGTEXT NOT NULL, layout LONGTEXT NOT NULL, spec CHAR(64) NOT NULL`,
      'Unwind: one row a captured table and layout; retired ones stay while their log does',
    ),
    // One number space for entries and changes: an entry's number is smaller than that of each of its changes. The server
    // hands numbers out in one order to all sessions, and a row's lock is held when its change is numbered.
    `CREATE SEQUENCE IF NOT EXISTS ${d}.numbers START WITH 1 CACHE 1000 ENGINE=InnoDB`,
    // Filled once: only a row that exists can be locked without locking a gap between rows. `marked` is a part of the key, so
    // that a foreign key to (slot, 0) holds the slot and says that nothing is rejected in it, without a look.
    table(
      'gate',
      'slot INT UNSIGNED NOT NULL, marked TINYINT NOT NULL, marks LONGTEXT NOT NULL, PRIMARY KEY (slot, marked)',
      'Unwind: who passes here is seen by a fence',
    ),
    `INSERT INTO ${d}.gate (slot, marked, marks) SELECT seq, 0, '' FROM seq_0_to_${SLOTS - 1}
     WHERE NOT EXISTS (SELECT 1 FROM ${d}.gate)`,
    // Entries that their session may still continue. The logs refer to this table, so each logged change finds out by itself
    // whether its entry is still here, and holds it; whoever closes an entry takes it out of here. By slot a correlation ID is
    // found well enough: another index would cost each entry.
    table(
      'open',
      `id BIGINT UNSIGNED PRIMARY KEY, correlation_id VARCHAR(${LONGEST_ID}) NOT NULL, at DATETIME(6) NOT NULL,
       slot INT UNSIGNED NOT NULL, passed TINYINT,
       KEY slot (slot, passed), FOREIGN KEY (slot, passed) REFERENCES ${d}.gate (slot, marked)`,
      'Unwind: entries that may still grow',
    ),
    table(
      'entry',
      `id BIGINT UNSIGNED PRIMARY KEY, correlation_id VARCHAR(${LONGEST_ID}) NOT NULL, at DATETIME(6) NOT NULL,
       late BOOLEAN NOT NULL, place BIGINT UNSIGNED, KEY (correlation_id), KEY (place, id)`,
      'Unwind: what one session wrote under one correlation ID',
    ),
    table(
      'fence',
      `correlation_id VARCHAR(${LONGEST_ID}) NOT NULL, rollback_id VARCHAR(200) NOT NULL, at DATETIME(6) NOT NULL,
       PRIMARY KEY (correlation_id, rollback_id)`,
      'Unwind: correlation IDs that are being rolled back',
    ),
    // The record that an effect happened (I2). Its key is the step's idempotency key.
    table(
      'effect',
      `\`key\` VARCHAR(700) PRIMARY KEY, rollback_id VARCHAR(200) NOT NULL, correlation_id VARCHAR(${LONGEST_ID}) NOT NULL,
       at DATETIME(6) NOT NULL, entries LONGTEXT NOT NULL DEFAULT '[]', items BIGINT NOT NULL DEFAULT 0,
       from_digest CHAR(64), notes LONGTEXT NOT NULL DEFAULT '[]'`,
      'Unwind: steps that took effect',
    ),
    `CREATE INDEX IF NOT EXISTS effect_correlation ON ${d}.effect (correlation_id)`,
    `CREATE INDEX IF NOT EXISTS effect_rollback ON ${d}.effect (rollback_id)`,
    table(
      'kept',
      '`key` VARCHAR(700) NOT NULL, hash CHAR(64) NOT NULL, PRIMARY KEY (`key`, hash)',
      'Unwind: rows in which newer data was left because a policy or a named actor chose it',
    ),
    table(
      'relay',
      'one BOOLEAN PRIMARY KEY, place BIGINT UNSIGNED NOT NULL',
      'Unwind: up to where entries are published',
    ),
    `INSERT IGNORE INTO ${d}.relay (one, place) VALUES (TRUE, 0)`,
  ]
}
