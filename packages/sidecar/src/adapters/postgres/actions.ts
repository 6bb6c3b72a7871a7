import type { Contract, PlannedAction } from '@unwind/contracts'
import type { FoundAction } from '../../adapter/port.js'
import type { PostgresOptions } from './options.js'
import { splitTable } from './options.js'

/** One transaction's share under one correlation ID, as the database returns it. */
export interface TransactionRow {
  readonly xid: string
  readonly part: number
  readonly at: Date
  readonly tables: Readonly<Record<string, unknown>> | null
  readonly item: string | null
}

/** Names a captured transaction: "orders:7412"; further correlation IDs in the same transaction: "orders:7412.1". */
export function actionId(system: string, row: { readonly xid: string; readonly part: number }): string {
  return row.part === 0 ? `${system}:${row.xid}` : `${system}:${row.xid}.${row.part}`
}

/** @returns null for an ID that this system's capture did not give. */
export function parseActionId(
  system: string,
  id: string,
): { readonly xid: string; readonly part: number } | null {
  if (!id.startsWith(`${system}:`)) return null
  const match = /^(\d{1,20})(?:\.(\d{1,5}))?$/.exec(id.slice(system.length + 1))
  return match ? { xid: match[1]!, part: Number(match[2] ?? 0) } : null
}

/** Which of the contract's actions a transaction is recorded as: that of the first table in the contract that it touched. */
export function actionNamer(contract: Contract, options: PostgresOptions): (row: TransactionRow) => string {
  const only = Object.keys(contract.actions)[0]!
  const tables = Object.entries(options.capture.tables).map(([key, table]) => {
    const { schema, name } = splitTable(key)
    return { label: `${schema}.${name}`, action: table.action ?? only }
  })
  return row => tables.find(table => row.tables !== null && table.label in row.tables)?.action ?? only
}

/** The action without any image: keys and counts. */
export function foundAction(system: string, name: string, row: TransactionRow, late?: boolean): FoundAction {
  return {
    actionId: actionId(system, row),
    action: name,
    resource: row.item,
    occurredAt: row.at.getTime(),
    data: JSON.stringify({ xid: row.xid, tables: row.tables ?? {}, ...(late ? { late: true } : {}) }),
  }
}

/** The parameters by which the database finds a step's transactions, or the first action that is not one of ours. */
export function transactionsOf(
  system: string,
  actions: readonly PlannedAction[],
): { readonly xids: readonly string[]; readonly parts: readonly number[] } | { readonly stranger: string } {
  const unique = new Map<string, { xid: string; part: number }>()
  for (const action of actions) {
    const parsed = parseActionId(system, action.actionId)
    if (!parsed) return { stranger: action.actionId }
    unique.set(`${parsed.xid}.${parsed.part}`, parsed)
  }
  const list = [...unique.values()]
  return { xids: list.map(item => item.xid), parts: list.map(item => item.part) }
}
