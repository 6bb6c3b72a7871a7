import type { Contract, PlannedAction } from '@unwind/contracts'
import type { FoundAction } from '../../adapter/port.js'
import { type MysqlOptions, splitTable } from './options.js'

/** Rows that an entry changed in one table. `unseen`: changed by a foreign key where no trigger could log it. */
export interface TableCounts {
  readonly inserted?: number
  readonly updated?: number
  readonly deleted?: number
  readonly unseen?: number
}

/** One entry of the undo log: what a session wrote under one correlation ID, without any image. */
export interface Entry {
  readonly id: string
  /** Epoch ms. */
  readonly at: number
  /** Written although the fence was already there. */
  readonly late: boolean
  /** By label. */
  readonly tables: Readonly<Record<string, TableCounts>>
  readonly items: number
  /** The row that it changed first. */
  readonly item: string | null
}

/** Names a captured entry: "orders:7412". */
export function actionId(system: string, entry: { readonly id: string }): string {
  return `${system}:${entry.id}`
}

/** @returns null for an ID that this system's capture did not give. */
export function parseActionId(system: string, id: string): string | null {
  if (!id.startsWith(`${system}:`)) return null
  const number = id.slice(system.length + 1)
  return /^\d{1,19}$/.test(number) ? number : null
}

/** Which of the contract's actions an entry is recorded as: that of the first table in the contract that it touched. */
export function actionNamer(contract: Contract, options: MysqlOptions): (entry: Entry) => string {
  const only = Object.keys(contract.actions)[0]!
  const tables = Object.entries(options.capture.tables).map(([key, table]) => {
    const { database, name } = splitTable(key, options.home)
    return { label: `${database}.${name}`, action: table.action ?? only }
  })
  return entry => tables.find(table => table.label in entry.tables)?.action ?? only
}

/** The action without any image: keys and counts. */
export function foundAction(system: string, name: string, entry: Entry): FoundAction {
  return {
    actionId: actionId(system, entry),
    action: name,
    resource: entry.item,
    occurredAt: entry.at,
    data: JSON.stringify({ entry: entry.id, tables: entry.tables, ...(entry.late ? { late: true } : {}) }),
  }
}

/** The log's entries of a step, or the first action that is not one of ours. */
export function entriesOf(
  system: string,
  actions: readonly PlannedAction[],
): { readonly ids: readonly string[] } | { readonly stranger: string } {
  const ids = new Set<string>()
  for (const action of actions) {
    const id = parseActionId(system, action.actionId)
    if (id === null) return { stranger: action.actionId }
    ids.add(id)
  }
  return { ids: [...ids] }
}
