import { type EventOf, HEADER, parseCloudEventType, type Recorded } from '@unwind/contracts'
import { type CoordinationInput, type RecordedAction, recordedAction } from '@unwind/core'
import type { RecordSource } from './record-source.js'
import type { TrustedRecords } from './trusted-records.js'

/** All that was recorded under a correlation ID, for planning. */
export type Catalogued = Extract<CoordinationInput, { kind: 'actions' }>

/** The action catalogue: the view of the actions topic, read at a proven watermark, each record verified when it is used. */
export class Catalogue {
  constructor(
    private readonly source: RecordSource,
    private readonly trusted: TrustedRecords,
    /** Whether the ledger has a rollback of this ID. Default: nobody is asked. */
    private readonly isRollback: (id: string) => Promise<boolean> = async () => false,
  ) {}

  /**
   * Every action that was recorded when this was called. Records that nobody trusted signed are left out and told.
   * @throws ViewUnavailable @throws ViewBehind @throws RegistryUnavailable
   */
  async actionsOf(correlationId: string, withinMs: number): Promise<Catalogued> {
    const asked = this.isRollback(correlationId)
    // It is waited for below, where its failure counts.
    asked.catch(() => undefined)
    const { partition, until, records } = await this.source.complete(correlationId, withinMs)
    const actions: RecordedAction[] = []
    const problems: string[] = []
    for (const record of records) {
      // A failed action changed nothing that could be undone.
      if (parseCloudEventType(record.headers[HEADER.type]).type === 'ActionFailed') continue
      const taken = await this.trusted.take(record)
      if (taken.kind === 'refused') problems.push(taken.message)
      else if (taken.event.type === 'ActionRecorded') {
        const { event, opened } = taken
        actions.push(
          recordedAction({ event, position: opened.position } as Recorded<EventOf<'ActionRecorded'>>),
        )
      }
    }
    const inverse = await asked
    const basis = { partition, offset: String(until) }
    return { kind: 'actions', actions, basis, problems, ...(inverse ? { inverse } : {}) }
  }
}
