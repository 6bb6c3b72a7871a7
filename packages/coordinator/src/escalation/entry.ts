import type { Alarms, Notice } from '@unwind/core'

/** A rollback that has alarms, as the desk holds it. */
export interface Entry {
  readonly key: string
  readonly partition: number
  readonly readFrom: bigint
  alarms: Alarms
  /** Notices on their way: sent, or waiting for their channel, and not read back from the ledger. */
  readonly flying: Map<string, { readonly escalationId: string; readonly notice: Notice }>
}

export function keyOf(partition: number, rollbackId: string): string {
  return `${partition} ${rollbackId}`
}

export function flight(escalationId: string, notice: string): string {
  return `${escalationId} ${notice}`
}

/** The end of an alarm must not overtake the alarm. */
export function isBeingTold({ flying }: Entry, escalationId: string, channel: string): boolean {
  for (const { escalationId: id, notice } of flying.values())
    if (id === escalationId && notice.channel === channel && notice.action === 'trigger') return true
  return false
}
