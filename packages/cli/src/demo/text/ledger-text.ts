import type { Stage } from '../stage/stage.js'
import { eventText } from './event-text.js'

/** What the ledger holds of one rollback, line by line: shown when it did not come out as it should. */
export function sayLedgerOf({ ledger, screen }: Pick<Stage, 'ledger' | 'screen'>, rollbackId: string): void {
  const records = ledger.recordsOf(rollbackId)
  const since = records[0]?.event.data.occurredAt ?? 0
  screen.note(`the ledger of ${rollbackId}:`)
  for (const { event } of records) screen.say(`  ${eventText(event, since, screen.palette)}`)
}
