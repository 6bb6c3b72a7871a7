import type { FieldDifference } from '@unwind/contracts'
import type { StepWork } from '../../../adapter/port.js'
import type { Session } from '../database.js'
import type { Net } from '../sql/net.js'
import { ident } from '../sql/quote.js'
import { tallyQuery, type Verdict } from '../sql/review.js'
import type { Captured } from './captured.js'
import { differencesOf } from './differences.js'
import { resolveEntries } from './entries.js'
import { checkFits } from './fits.js'
import { withLater } from './later.js'
import { netOf } from './nets.js'
import { digestOfParts, type StepContext } from './undo.js'

export interface Review {
  readonly expected: number
  readonly restored: number
  readonly kept: number
  readonly digest: string
  readonly differences: readonly FieldDifference[]
  /** Labels of tables of which changes are known that no log holds. */
  readonly unseen: readonly string[]
}

/** What a review works with; made before its transaction, since temporary tables cannot be made inside. */
export interface Prepared {
  readonly tables: readonly Captured[]
  readonly nets: readonly Net[]
}

/** The log of a finished entry never changes, so it may be folded before the snapshot is taken. */
export async function prepareReview(
  session: Session,
  context: StepContext,
  work: StepWork,
  ids: readonly string[],
): Promise<Prepared> {
  const entries = await resolveEntries(session, context.database, work.correlationId, ids)
  const tables = await context.tables.touched(session, entries)
  const done = await session.rows(`SELECT 1 FROM ${ident(context.database)}.effect WHERE \`key\` = ?`, [
    work.key,
  ])
  const nets: Net[] = []
  for (const table of tables) {
    await checkFits(session, table)
    const net = await netOf(session, context.database, table, entries, 'look')
    nets.push(done.length > 0 ? net : await withLater(session, context.database, net, entries))
  }
  return { tables, nets }
}

/** The step's rows against the current state, changing nothing. */
export async function review(
  session: Session,
  context: StepContext,
  key: string,
  { nets }: Prepared,
  only: Verdict | null,
): Promise<Review> {
  const { database } = context
  const undoEntries = await undoEntriesOf(session, database, key)
  const parts: string[] = []
  const differences: FieldDifference[] = []
  let [expected, restored, kept] = [0, 0, 0]
  for (const net of nets) {
    const { sql, values } = tallyQuery(database, net, undoEntries, key)
    const buckets = await session.rows<Record<'expected' | 'restored' | 'kept' | 'digest', string>>(
      sql,
      values,
    )
    const sum = (name: 'expected' | 'restored' | 'kept') =>
      buckets.reduce((total, bucket) => total + Number(bucket[name]), 0)
    expected += sum('expected')
    restored += sum('restored')
    kept += sum('kept')
    parts.push(digestOfParts(buckets.map(bucket => bucket.digest)))
    if (sum('restored') < sum('expected'))
      differences.push(...(await differencesOf(session, database, net, undoEntries, only)))
  }
  const unseen = nets.filter(net => net.unseen > 0).map(net => net.table.label)
  return { expected, restored, kept, digest: digestOfParts(parts), differences, unseen }
}

async function undoEntriesOf(session: Session, database: string, key: string): Promise<readonly string[]> {
  const [effect] = await session.rows<{ entries: string }>(
    `SELECT entries FROM ${ident(database)}.effect WHERE \`key\` = ?`,
    [key],
  )
  return effect ? (JSON.parse(effect.entries) as string[]) : []
}
