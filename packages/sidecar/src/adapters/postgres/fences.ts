import type { FenceReport, FenceRequest, FoundAction } from '../../adapter/port.js'
import { foundAction, type TransactionRow } from './actions.js'
import { CallFailed, type Database } from './database.js'
import { classify } from './errors.js'
import { ident } from './sql/quote.js'

interface FenceRow {
  place: number
  fenced: boolean
  xid: string | null
  part: number
  at: Date
  tables: Record<string, unknown> | null
  item: string | null
}

export interface FenceTarget {
  readonly database: Database
  readonly schema: string
  readonly system: string
  readonly name: (row: TransactionRow) => string
}

/**
 * One round trip puts all fences whose correlation ID has no transaction in flight. Those that have one are waited for, each
 * in a call of its own, so that one long transaction does not hold back the fences of others.
 */
export async function putFences(
  target: FenceTarget,
  requests: readonly FenceRequest[],
  signal: AbortSignal,
): Promise<readonly FenceReport[]> {
  if (requests.length === 0) return []
  const first = await call(target, requests, false, signal)
  const busy = requests.filter((_, i) => first[i] === 'busy')
  const second = await Promise.all(
    busy.map(request => call(target, [request], true, signal).then(reports => reports[0]!)),
  )
  return first.map((report, i) => {
    const settled = report === 'busy' ? second[busy.indexOf(requests[i]!)]! : report
    return settled === 'busy'
      ? failed(requests[i]!, 'transient', 'a forward transaction is still in flight')
      : settled
  })
}

async function call(
  target: FenceTarget,
  requests: readonly FenceRequest[],
  wait: boolean,
  signal: AbortSignal,
): Promise<(FenceReport | 'busy')[]> {
  let rows: FenceRow[]
  try {
    rows = await target.database.write<FenceRow>(
      'unwind-fence',
      `SELECT * FROM ${ident(target.schema)}.put_fence($1, $2, $3)`,
      [requests.map(request => request.correlationId), requests.map(request => request.rollbackId), wait],
      signal,
    )
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error
    // Putting a fence twice is putting it once: an unknown outcome is as good as a failed one.
    const { code, message } = classify(error.reason, error.phase, true)
    // What is wrong with one of them (a text that the database has no form for) is not wrong with the others.
    if (requests.length > 1 && code !== 'transient' && code !== 'timeout') {
      const each = await Promise.all(requests.map(request => call(target, [request], wait, signal)))
      return each.flat()
    }
    const why = wait ? `waiting for a forward transaction in flight: ${message}` : message
    return requests.map(request => failed(request, code, why))
  }
  const reports = requests.map(() => ({ fenced: false, found: [] as FoundAction[] }))
  for (const row of rows) {
    const report = reports[row.place - 1]!
    report.fenced = row.fenced
    const { xid } = row
    if (xid === null) continue
    const transaction = { ...row, xid }
    report.found.push(foundAction(target.system, target.name(transaction), transaction))
  }
  return reports.map((report, i) =>
    report.fenced ? { kind: 'fenced', rollbackId: requests[i]!.rollbackId, found: report.found } : 'busy',
  )
}

function failed(
  request: FenceRequest,
  code: Extract<FenceReport, { kind: 'failed' }>['code'],
  why: string,
): FenceReport {
  return {
    kind: 'failed',
    rollbackId: request.rollbackId,
    code,
    message: `rollback ${request.rollbackId}: fence of ${request.correlationId}: ${why}`,
  }
}
