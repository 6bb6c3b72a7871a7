import { closedRevision, HEADER, type LedgerEvent, parseCloudEventType, thawPlan } from '@unwind/contracts'
import type { IncomingRecord } from '@unwind/runtime'

/** What one ledger event says of its rollback, as far as lists of rollbacks are found by it. */
export interface IndexEntry {
  readonly id: string
  readonly correlation: string
  /** When the broker took the record, epoch ms; the first one of a rollback is its place in lists. */
  readonly at: number
  readonly phase: 'proposed' | 'requested' | 'denied' | 'closed'
  /** Of the plan; 0: none yet. */
  readonly revision: number
  /** Indexes that name it, e.g. "system:orders". */
  readonly names: readonly string[]
  /** Rollbacks that began before are left out of the index, epoch ms. */
  readonly oldest: number
}

const TELLING = new Set([
  'RollbackProposed',
  'ApprovalRequested',
  'ApprovalDenied',
  'RollbackRequested',
  'RollbackClosed',
])

/** Whether a record may say where a rollback stands. The type is signed, so nobody hides a record by it. */
export function tells(record: IncomingRecord): boolean {
  return TELLING.has(parseCloudEventType(record.headers[HEADER.type]).type ?? '')
}

/** From the signed body only: headers could name another rollback, and hide it from a list. */
export function indexEntry(event: LedgerEvent, at: number, keepMs: number): IndexEntry | null {
  const { rollbackId: id, correlationId: correlation } = event.data
  const common = { id, correlation, at, revision: 0, names: [], oldest: Math.max(0, Math.floor(at - keepMs)) }
  switch (event.type) {
    case 'RollbackProposed': {
      const { systems, incidentClass, release } = event.data
      return {
        ...common,
        phase: 'proposed',
        names: [
          ...systems.map(bySystem),
          ...(incidentClass === null ? [] : [`class:${incidentClass}`]),
          ...(release === null ? [] : [`release:${release}`]),
        ],
      }
    }
    case 'ApprovalRequested':
      return { ...common, phase: 'proposed' }
    case 'ApprovalDenied':
      return { ...common, phase: 'denied' }
    case 'RollbackRequested': {
      const { revision } = event.data
      return { ...common, phase: 'requested', revision, names: systemsOf(event.data).map(bySystem) }
    }
    case 'RollbackClosed': {
      const { eventId, endState } = event.data
      return { ...common, phase: 'closed', revision: closedRevision(eventId), names: [`end:${endState}`] }
    }
    default:
      return null
  }
}

function bySystem(system: string): string {
  return `system:${system}`
}

/** A plan that cannot be read names nothing; the fold refuses it as well, and says so. */
function systemsOf(data: Parameters<typeof thawPlan>[0] & Parameters<typeof thawPlan>[1]): readonly string[] {
  try {
    const plan = thawPlan(data, data)
    return [...new Set([...plan.steps.map(step => step.system), ...plan.surfaced.map(row => row.system)])]
  } catch {
    return []
  }
}
