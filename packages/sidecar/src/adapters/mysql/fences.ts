import { setTimeout as sleep } from 'node:timers/promises'
import type { FenceReport, FenceRequest, FoundAction } from '../../adapter/port.js'
import { type Entry, foundAction } from './actions.js'
import { CallFailed, type Database, type Session } from './database.js'
import { classify } from './errors.js'
import { markOf, slotOf } from './sql/base.js'
import { closeStatements, type FenceMode } from './sql/entry.js'
import { ident, numbers } from './sql/quote.js'
import type { CapturedTables } from './step/captured.js'
import { describeEntries } from './step/describe.js'

export interface FenceTarget {
  readonly connections: Database
  readonly tables: CapturedTables
  readonly database: string
  readonly system: string
  readonly mode: FenceMode
  /** How long to wait for forward transactions in flight, ms. */
  readonly patience: number
  readonly name: (entry: Entry) => string
}

const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 100

/**
 * Puts the fences of those correlation IDs that have no transaction in flight, and asks again for the others for a while. It
 * never queues for a lock, since the application's next transaction would queue behind it.
 */
export async function putFences(
  target: FenceTarget,
  requests: readonly FenceRequest[],
  signal: AbortSignal,
): Promise<readonly FenceReport[]> {
  const reports = new Map<FenceRequest, FenceReport>()
  const deadline = Date.now() + target.patience
  let waiting = requests
  let pause = FIRST_PAUSE_MS
  while (waiting.length > 0) {
    let fenced: ReadonlyMap<FenceRequest, readonly FoundAction[]>
    try {
      fenced = await target.connections.write('fence', session => attempt(session, target, waiting), signal)
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      // Putting a fence twice is putting it once: an unknown outcome is as good as a failed one.
      const { code, message } = classify(error.reason, error.phase, true)
      // What is wrong with one of them (an ID that is too long for the log) is not wrong with the others.
      if (waiting.length > 1 && code !== 'transient' && code !== 'timeout') {
        const each = await Promise.all(waiting.map(request => putFences(target, [request], signal)))
        for (const [i, request] of waiting.entries()) reports.set(request, each[i]![0]!)
        break
      }
      for (const request of waiting) reports.set(request, failed(request, code, message))
      break
    }
    for (const [request, found] of fenced)
      reports.set(request, { kind: 'fenced', rollbackId: request.rollbackId, found })
    waiting = waiting.filter(request => !fenced.has(request))
    if (waiting.length === 0) break
    if (signal.aborted || Date.now() + pause > deadline) {
      for (const request of waiting)
        reports.set(request, failed(request, 'transient', 'a forward transaction is still in flight'))
      break
    }
    await sleep(pause)
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
  }
  return requests.map(request => reports.get(request)!)
}

/** @returns what the log holds under the correlation IDs that could be fenced. */
async function attempt(
  session: Session,
  target: FenceTarget,
  requests: readonly FenceRequest[],
): Promise<ReadonlyMap<FenceRequest, readonly FoundAction[]>> {
  const d = ident(target.database)
  const ids = [...new Set(requests.map(request => request.correlationId))]
  const slots = await slotsOf(session, ids)
  const free = await lockedSlots(session, d, [...new Set(slots.values())])
  const candidates = ids.filter(id => free.has(slots.get(id)!))
  const { idle, open } = await withoutWriters(session, d, candidates, slots)
  const fenced = requests.filter(request => idle.has(request.correlationId))
  if (fenced.length === 0) return new Map()
  // Closed first, by which an entry is told to be late; what a session writes from now on is a new one, and passes the gate.
  if (open.length > 0)
    for (const statement of closeStatements(target.database, open)) await session.run(statement)
  await session.run(
    `INSERT IGNORE INTO ${d}.fence (correlation_id, rollback_id, at) VALUES ${fenced.map(() => '(?, ?, UTC_TIMESTAMP(6))').join(', ')}`,
    fenced.flatMap(request => [request.correlationId, request.rollbackId]),
  )
  if (target.mode === 'reject') for (const id of idle) await markGate(session, d, id)
  const entries = await entriesOf(session, d, [...idle])
  const described = await describeEntries(session, target.database, target.tables, entries)
  return new Map(
    fenced.map(request => [
      request,
      described
        .filter(entry => entry.correlationId === request.correlationId)
        .map(entry => foundAction(target.system, target.name(entry), { ...entry, late: false })),
    ]),
  )
}

async function markGate(session: Session, d: string, id: string): Promise<void> {
  await session.run(
    `SET STATEMENT foreign_key_checks = 0 FOR UPDATE ${d}.gate SET marked = 1, marks = CONCAT(marks, ${markOf('?')})
     WHERE slot = ${slotOf('?')} AND LOCATE(${markOf('?')}, marks) = 0`,
    [id, id, id],
  )
}

async function slotsOf(session: Session, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await session.rows<{ slot: string }>(
    ids.map((_, i) => `SELECT ${i} AS i, ${slotOf('?')} AS slot`).join(' UNION ALL '),
    ids,
  )
  return new Map(ids.map((id, i) => [id, rows[i]!.slot]))
}

/** A forward transaction holds its slot shared until it ends. */
async function lockedSlots(
  session: Session,
  d: string,
  slots: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await session.rows<{ slot: string }>(
    `SELECT slot FROM ${d}.gate WHERE slot IN (${numbers(slots)}) FOR UPDATE SKIP LOCKED`,
  )
  return new Set(rows.map(row => row.slot))
}

/** Of these correlation IDs, those of which no entry is being continued by a transaction in flight; and their open entries. */
async function withoutWriters(
  session: Session,
  d: string,
  ids: readonly string[],
  slots: ReadonlyMap<string, string>,
): Promise<{ readonly idle: ReadonlySet<string>; readonly open: readonly string[] }> {
  if (ids.length === 0) return { idle: new Set(), open: [] }
  const list = numbers([...new Set(ids.map(id => slots.get(id)!))])
  const query = `SELECT id, correlation_id FROM ${d}.open FORCE INDEX (slot) WHERE slot IN (${list}) AND correlation_id IN (${placeholders(ids)})`
  const locked = await session.rows<{ id: string }>(`${query} FOR UPDATE SKIP LOCKED`, ids)
  const free = new Set(locked.map(row => row.id))
  const all = await session.rows<{ id: string; correlation_id: string }>(query, ids)
  const busy = new Set(all.filter(row => !free.has(row.id)).map(row => row.correlation_id))
  return {
    idle: new Set(ids.filter(id => !busy.has(id))),
    open: all.filter(row => !busy.has(row.correlation_id)).map(row => row.id),
  }
}

/** Read last: the relay may have closed some between the two looks. */
async function entriesOf(session: Session, d: string, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await session.rows<{ id: string }>(
    `SELECT id FROM ${d}.entry WHERE correlation_id IN (${placeholders(ids)})`,
    ids,
  )
  return rows.map(row => row.id)
}

const placeholders = (values: readonly unknown[]) => values.map(() => '?').join(', ')

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
