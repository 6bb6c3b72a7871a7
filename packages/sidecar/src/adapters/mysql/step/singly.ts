import { constraintDifference, isServerError, StepConflict } from '../errors.js'
import type { CapturedTable } from '../layout.js'
import { placesQuery } from '../sql/fold.js'
import { type Op, singleNet } from '../sql/net.js'
import { type Acted, conflictsOf, OrderFailed, type Undoing, undoOne } from './act.js'
import { stage } from './nets.js'

interface Single {
  readonly table: CapturedTable
  readonly tx: string
  readonly seq: string
  readonly op: Op
  /** Names of the row's place before and after, unique over all tables. */
  readonly found: string
  readonly left: string
}

/**
 * The last resort, when no order of whole tables fits: each logged change by itself, in reverse. One that a constraint or another
 * row stands against waits for the next round, until a round brings nothing; so the order that is needed is found without
 * knowing it. A statement that fails is undone by the server, the transaction goes on.
 */
export async function actSingly(undoing: Undoing): Promise<Acted> {
  let overwritten = 0
  let left = await changesOf(undoing)
  while (left.length > 0) {
    const waiting: Single[] = []
    const held = new Set<string>()
    let reason: OrderFailed | null = null
    for (const change of left) {
      // A row's changes are undone strictly last first: while a later one waits, the earlier ones do.
      let done = false
      if (!held.has(change.left)) {
        try {
          const result = await undoSingle(undoing, change)
          overwritten += result.overwritten
          done = result.done
        } catch (error) {
          if (!(error instanceof OrderFailed)) throw error
          reason = error
        }
      }
      if (done) continue
      waiting.push(change)
      held.add(change.found)
    }
    if (waiting.length === left.length) await giveUp(undoing, reason, waiting[0]!)
    left = waiting
  }
  const items = undoing.nets.reduce((sum, { counts }) => sum + counts.I + counts.U + counts.D, 0)
  return { items, overwritten }
}

async function undoSingle(undoing: Undoing, change: Single) {
  const net = singleNet(undoing.database, change.table, change)
  const { overwritten, open } = await undoOne(undoing, net, change.op)
  return { overwritten, done: !open }
}

/** Latest first. Keys are numbers here; no image leaves the database. */
async function changesOf(undoing: Undoing): Promise<Single[]> {
  const all: Single[] = []
  for (const { table, folded } of undoing.nets) {
    if (folded) await stage(undoing.session, undoing.database, table, undoing.entries)
    const ends = await undoing.session.rows<{
      tx: string
      seq: string
      op: Op
      leaves: string
      place: string
    }>(placesQuery(undoing.database, table, undoing.entries))
    const place = (number: string) => `${table.rel}:${number}`
    for (let i = 0; i < ends.length; i += 2) {
      const [found, left] = [ends[i]!, ends[i + 1]!]
      const { tx, seq, op } = found
      all.push({ table, tx, seq, op, found: place(found.place), left: place(left.place) })
    }
  }
  return all.sort((a, b) => (BigInt(a.seq) < BigInt(b.seq) ? 1 : -1))
}

async function giveUp(undoing: Undoing, reason: OrderFailed | null, stuck: Single): Promise<never> {
  const conflicts = await conflictsOf(undoing)
  if (conflicts.length > 0) throw new StepConflict(conflicts)
  if (reason === null || reason.reason === null) {
    const item = stuck.table.label
    const said = JSON.stringify('no order of undoing its changes fits')
    throw new StepConflict([{ item, field: '', before: null, after: null, current: said }])
  }
  throw new StepConflict([differenceOf(reason)])
}

/** A constraint's word, as a difference of the table. */
export function differenceOf({ reason, table }: OrderFailed) {
  if (isServerError(reason)) return constraintDifference(reason, table.label)
  const said = reason instanceof Error ? reason.message : 'rows stand in each other’s way'
  return { item: table.label, field: '', before: null, after: null, current: JSON.stringify(said) }
}
