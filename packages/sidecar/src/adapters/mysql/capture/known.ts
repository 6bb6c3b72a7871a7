import type { Session } from '../database.js'
import type { CapturedTable, TableLayout } from '../layout.js'
import { type TriggerKind, triggerMark, triggerName } from '../sql/capture.js'
import { ident } from '../sql/quote.js'

/** An active capture, as it was installed. */
export interface Known {
  readonly table: CapturedTable
  readonly signature: string
  readonly spec: string
  /** Its triggers are there, and are those that were generated from `spec`. */
  readonly triggered: boolean
}

export interface LiveTrigger {
  readonly kind: TriggerKind
  readonly name: string
  readonly body: string
}

const KINDS = ['i', 'u', 'd', 'c'] as const

/** Triggers of ours on a table, whosever capture they belong to. */
export async function liveTriggers(session: Session, table: TableLayout): Promise<readonly LiveTrigger[]> {
  const rows = await session.rows<{ name: string; body: string }>(
    `SELECT TRIGGER_NAME AS name, ACTION_STATEMENT AS body FROM information_schema.TRIGGERS
     WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ?`,
    [table.database, table.name],
  )
  return KINDS.flatMap(kind => {
    const row = rows.find(each => each.name === triggerName(table.name, kind))
    return row ? [{ kind, ...row }] : []
  })
}

/** The capture that a trigger belongs to: the name of its database. */
export function ownerOf(trigger: LiveTrigger): string | null {
  return /\/\* unwind (\S+) [0-9a-f]{64} \*\//.exec(trigger.body)?.[1] ?? null
}

export async function knownTables(session: Session, database: string): Promise<readonly Known[]> {
  const rows = await session.rows<{ rel: string; layout: string; signature: string; spec: string }>(
    `SELECT rel, layout, signature, spec FROM ${ident(database)}.captured WHERE active ORDER BY rel`,
  )
  const known: Known[] = []
  for (const row of rows) {
    const table = { ...(JSON.parse(row.layout) as TableLayout), rel: Number(row.rel) }
    const live = await liveTriggers(session, table)
    const deleting = table.cascades.some(cascade => cascade.onDelete !== 'none')
    const wanted = KINDS.filter(kind => kind !== 'c' || deleting)
    const mark = triggerMark(database, row.spec)
    const triggered = live.length === wanted.length && live.every(trigger => trigger.body.includes(mark))
    known.push({ table, signature: row.signature, spec: row.spec, triggered })
  }
  return known
}

/** Has capture been installed in this database? */
export async function isInstalled(session: Session, database: string): Promise<boolean> {
  const rows = await session.rows(
    `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME IN ('captured', 'meta', 'relay')`,
    [database],
  )
  return rows.length === 3
}
