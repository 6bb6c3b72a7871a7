import { HEADER, type Plan, type UnwindEvent } from '@unwind/contracts'
import { type BlastRadius, laterWork, type Touch } from '@unwind/core'
import { type IncomingRecord, pause, systemTimers } from '@unwind/runtime'
import type { EndOffsets } from '../catalogue/end-offsets.js'
import { MAX_RECORDS } from '../catalogue/record-source.js'
import type { TrustedRecords } from '../catalogue/trusted-records.js'
import type { Place, RedisView } from '../view/redis-view.js'
import { TOUCHED_KEPT } from '../view/touched.js'

export interface BlastRadiusOptions {
  readonly view: Pick<RedisView, 'touched' | 'read'>
  /** The actions topic. */
  readonly topic: string
  readonly partitionOf: (key: string) => number
  readonly ends: Pick<EndOffsets, 'now'>
  readonly trusted: TrustedRecords
  /** Epoch ms. */
  now(): number
}

const MOST_RESOURCES = 200
const MOST_CORRELATIONS = 50
const ASK_AGAIN_MS = 50

/**
 * Who else worked on the resources of a plan. For people: nothing is decided by it, since what is newer than an action
 * is found again, in the target itself, right before it is undone (I6).
 */
export class BlastRadiusSource {
  constructor(private readonly options: BlastRadiusOptions) {}

  /** @param withinMs how long the index may take to reach the end of the log. @throws ViewUnavailable */
  async of(plan: Plan, withinMs: number): Promise<BlastRadius> {
    const planned = plan.steps.flatMap(({ system, actions }) => actions.map(a => ({ ...a, system })))
    const places = placesOf(planned)
    const without = planned.filter(action => action.resource === null).length
    const because: string[] = []
    if (without > 0)
      because.push(`${without} actions name no resource, so nobody can say who else worked on it`)
    if (places.length === 0) return { later: [], complete: without === 0, because }
    if (places.length > MOST_RESOURCES)
      because.push(`the plan touches ${places.length} resources, the first ${MOST_RESOURCES} were looked up`)
    const { by, behind } = await this.#index(places.slice(0, MOST_RESOURCES), withinMs)
    if (behind !== null) because.push(behind)
    if (by.some(list => list.length >= TOUCHED_KEPT))
      because.push(`of a resource, only the latest ${TOUCHED_KEPT} correlation IDs are kept`)
    const others = [...new Set(by.flat())].filter(id => id !== plan.correlationId)
    if (others.length > MOST_CORRELATIONS)
      because.push(
        `${others.length} correlation IDs touched these resources, ${MOST_CORRELATIONS} were looked into`,
      )
    const named = new Set(planned.map(action => action.actionId))
    const ours = (await this.#touches(plan.correlationId, because)).filter(t => named.has(t.actionId))
    const theirs: Touch[] = []
    for (const id of others.slice(0, MOST_CORRELATIONS)) theirs.push(...(await this.#touches(id, because)))
    return { later: laterWork(ours, theirs), complete: because.length === 0, because }
  }

  /** The index, as soon as it covers all that was in the log when this was asked (I8); or as it is, and that is said. */
  async #index(places: readonly Place[], withinMs: number) {
    const { view, topic, ends, now } = this.options
    const needed = await ends.now()
    const deadline = now() + withinMs
    for (;;) {
      const { watermarks, by } = await view.touched(topic, places, TOUCHED_KEPT)
      const behind = [...needed].find(([p, { start, end }]) => end > start && (watermarks.get(p) ?? 0n) < end)
      if (!behind) return { by, behind: null }
      if (now() >= deadline) {
        const [partition, { end }] = behind
        const at = watermarks.get(partition) ?? 'nothing'
        return { by, behind: `the view of ${topic}/${partition} reaches ${at}, the log ${end}` }
      }
      await pause(systemTimers, ASK_AGAIN_MS)
    }
  }

  /** What a correlation ID did, from records that somebody trusted signed: the index alone is a claim. */
  async #touches(correlationId: string, because: string[]): Promise<Touch[]> {
    const { view, topic, partitionOf, trusted } = this.options
    const partition = partitionOf(correlationId)
    const { records, total = records.length } = await view.read(
      topic,
      partition,
      correlationId,
      MAX_RECORDS,
      'first',
    )
    if (total > records.length)
      because.push(`${correlationId} has ${total} records, and the first ${records.length} were looked into`)
    const found: Touch[] = []
    for (const record of records) {
      if (record.headers[HEADER.subject] === undefined) continue
      const taken = await trusted.take(record)
      const touch = taken.kind === 'event' && touchOf(taken.event, record)
      if (touch) found.push(touch)
    }
    return found
  }
}

function touchOf(event: UnwindEvent, { partition, offset, timestamp }: IncomingRecord): Touch | null {
  if (event.type !== 'ActionRecorded' || event.data.resource === null) return null
  const { correlationId, system, resource, eventId, action } = event.data
  return { correlationId, system, resource, actionId: eventId, action, partition, offset, at: timestamp }
}

function placesOf(
  actions: readonly { readonly system: string; readonly resource: string | null }[],
): readonly Place[] {
  const found = new Map<string, Place>()
  for (const { system, resource } of actions)
    if (resource !== null) found.set(`${system}\0${resource}`, { system, resource })
  return [...found.values()]
}
