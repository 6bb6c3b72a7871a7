import { createHash } from 'node:crypto'
import type { ConflictPolicy } from '@unwind/contracts'
import type { StepWork } from '../../../adapter/port.js'
import type { Session } from '../database.js'
import { StepConflict, StepFailed } from '../errors.js'
import { digestQuery } from '../sql/describe.js'
import { closeStatements, holdEntry } from '../sql/entry.js'
import { ROLLBACK_VARIABLE, sessionVariable } from '../sql/names.js'
import { ident } from '../sql/quote.js'
import { type Acted, act, OrderFailed, type Undoing } from './act.js'
import type { Captured, CapturedTables } from './captured.js'
import { resolveEntries } from './entries.js'
import { checkFits } from './fits.js'
import { netOf } from './nets.js'
import { actSingly, differenceOf } from './singly.js'

export interface StepContext {
  readonly database: string
  readonly tables: CapturedTables
  /** What the contract says where neither a table nor a named actor says anything. */
  readonly policy: ConflictPolicy
}

export interface Effect {
  readonly before: boolean
  readonly items: number
  readonly fromDigest: string | null
  readonly notes: readonly string[]
}

/**
 * The step: effect and effect record in the caller's transaction. Two calls with one key meet at the record's unique key: the
 * second waits for the first and returns what it stored (I2).
 * @throws StepConflict, StepFailed; a database error as it is. Whatever is thrown, the transaction must be given up.
 */
export async function undoStep(
  session: Session,
  context: StepContext,
  work: StepWork,
  ids: readonly string[],
): Promise<Effect> {
  const { database } = context
  const d = ident(database)
  const recorded = await session.run(
    `INSERT IGNORE INTO ${d}.effect (\`key\`, rollback_id, correlation_id, at) VALUES (?, ?, ?, UTC_TIMESTAMP(6))`,
    [work.key, work.rollbackId, work.correlationId],
  )
  if (recorded === 0) return storedEffect(session, database, work.key)
  const entries = await resolveEntries(session, database, work.correlationId, ids)
  const touched = await context.tables.touched(session, entries)
  const undoing = await prepare(session, context, work, entries, touched)
  await beginAs(session, database, work.rollbackId)
  const { items, overwritten } = await inSomeOrder(undoing)
  const undoEntries = await endAs(session, context, work.rollbackId)
  const notes = await notesOf(undoing, overwritten, work.resolution)
  const fromDigest = await digestOf(session, context, undoEntries)
  await session.run(
    `UPDATE ${d}.effect SET entries = ?, items = ?, from_digest = ?, notes = ? WHERE \`key\` = ?`,
    [JSON.stringify(undoEntries), items, fromDigest, JSON.stringify(notes), work.key],
  )
  return { before: false, items, fromDigest, notes }
}

async function storedEffect(session: Session, database: string, key: string): Promise<Effect> {
  const [row] = await session.rows<{ items: string; from_digest: string | null; notes: string }>(
    `SELECT items, from_digest, notes FROM ${ident(database)}.effect WHERE \`key\` = ?`,
    [key],
  )
  if (!row)
    throw new StepFailed(
      'transient',
      'another process is undoing this step, or has given it up just now',
      'It is tried again by itself.',
    )
  return {
    before: true,
    items: Number(row.items),
    fromDigest: row.from_digest,
    notes: JSON.parse(row.notes) as string[],
  }
}

async function prepare(
  session: Session,
  context: StepContext,
  work: StepWork,
  entries: readonly string[],
  touched: readonly Captured[],
): Promise<Undoing> {
  const nets = []
  for (const table of touched) {
    await checkFits(session, table)
    const net = await netOf(session, context.database, table, entries, 'undo')
    if (net.unseen > 0)
      throw new StepFailed(
        'irreversible',
        `${table.label}: a foreign key changed rows together with those of the action, and no images of them exist`,
        'Capture the referring tables too, for later actions; undo this one by hand and resolve the step.',
      )
    nets.push(net)
  }
  return {
    session,
    database: context.database,
    key: work.key,
    entries,
    nets,
    mode: table => work.resolution ?? table.onConflict ?? context.policy,
  }
}

/**
 * The undo is an action itself, under the rollback's own ID, so that a mistaken rollback can be rolled back. Its entry is begun
 * before the first savepoint, so the triggers need not look whether it is still there.
 */
async function beginAs(session: Session, database: string, rollbackId: string): Promise<void> {
  const rows = await session.rows<{ variables: string }>(`SELECT variables FROM ${ident(database)}.meta`)
  const variables = new Set(rows.flatMap(row => JSON.parse(row.variables) as string[]))
  const named = [...variables, ROLLBACK_VARIABLE].map(name => `@${ident(name)} = ?`)
  await session.run(
    `SET ${named.join(', ')}`,
    named.map(() => rollbackId),
  )
  await session.run(`CALL ${ident(database)}.enter(?)`, [rollbackId])
  await session.run(holdEntry(database))
}

/** Closes the undo's entry, so that nothing that this session does later can become a part of it. */
async function endAs(session: Session, context: StepContext, rollbackId: string): Promise<readonly string[]> {
  const { database, tables } = context
  const own = `id = ${sessionVariable(database, 'entry')} AND correlation_id = ?`
  const rows = await session.rows<{ id: string }>(`SELECT id FROM ${ident(database)}.open WHERE ${own}`, [
    rollbackId,
  ])
  const ids = rows.map(row => row.id)
  const written = await tables.touched(session, ids)
  if (written.length > 0) {
    for (const statement of closeStatements(database, ids)) await session.run(statement)
    return ids
  }
  // Everything was in place already: an action that did nothing is none.
  await session.run(`DELETE FROM ${ident(database)}.open WHERE ${own}`, [rollbackId])
  return []
}

async function inSomeOrder(undoing: Undoing): Promise<Acted> {
  const { session } = undoing
  await session.run('SAVEPOINT unwind_order')
  for (const variant of [1, 2] as const) {
    try {
      return await act(undoing, variant)
    } catch (error) {
      if (!(error instanceof OrderFailed)) throw error
      await session.run('ROLLBACK TO SAVEPOINT unwind_order')
    }
  }
  try {
    return await actSingly(undoing)
  } catch (error) {
    if (error instanceof OrderFailed) throw new StepConflict([differenceOf(error)])
    throw error
  }
}

async function notesOf(
  { session, database, key }: Undoing,
  overwritten: number,
  resolution: StepWork['resolution'],
): Promise<readonly string[]> {
  const [row] = await session.rows<{ kept: string }>(
    `SELECT COUNT(*) AS kept FROM ${ident(database)}.kept WHERE \`key\` = ?`,
    [key],
  )
  const kept = Number(row!.kept)
  return [
    ...(kept > 0 ? [`kept newer data in ${kept} rows`] : []),
    ...(overwritten > 0 ? [`overwrote newer data in ${overwritten} rows`] : []),
    ...(resolution === null ? [] : [`conflicts were resolved by "${resolution}"`]),
  ]
}

/** Digest of the rows as the undo found them, from the before-images of its own writes. */
async function digestOf(
  session: Session,
  context: StepContext,
  undoEntries: readonly string[],
): Promise<string | null> {
  const parts: string[] = []
  for (const table of await context.tables.touched(session, undoEntries)) {
    const buckets = await session.rows<{ digest: string }>(
      digestQuery(context.database, table, undoEntries, 'found'),
    )
    parts.push(digestOfParts(buckets.map(bucket => bucket.digest)))
  }
  return parts.length === 0 ? null : digestOfParts(parts)
}

/** One digest of many, whatever their order. */
export function digestOfParts(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of [...parts].sort()) hash.update(part)
  return hash.digest('hex')
}
