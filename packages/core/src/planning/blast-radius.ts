import { byOrder, byText } from './compare.js'

/** One action on one resource, with all that tells when it was. */
export interface Touch {
  readonly correlationId: string
  readonly system: string
  readonly resource: string
  readonly actionId: string
  readonly action: string
  /** Where it lies in the actions topic. */
  readonly partition: number
  readonly offset: bigint
  /** Timestamp of its record, epoch ms. */
  readonly at: number
}

/** Another correlation ID that did something to a resource after the one that is to be rolled back. */
export interface LaterWork {
  readonly correlationId: string
  readonly system: string
  readonly resource: string
  /** Its latest action there. */
  readonly actionId: string
  readonly action: string
  readonly recordedAt: number
  /** "log": both lie in one partition, so it was later. "clock": by record timestamps. "unsure": those are too close to tell. */
  readonly laterBy: 'log' | 'clock' | 'unsure'
}

/** Timestamps of different partitions come from different clocks: closer than this they tell no order, milliseconds. */
export const CLOCKS_AGREE_WITHIN_MS = 1_000

/**
 * Who worked later on what is to be undone: one line for each correlation ID and resource, most recent first. What is
 * too close to tell is named, too: a line too many costs a look, one too few costs data.
 * @param own the actions to be undone.
 */
export function laterWork(own: readonly Touch[], others: readonly Touch[]): readonly LaterWork[] {
  const first = new Map<string, Touch[]>()
  for (const touch of own) {
    const list = first.get(placeOf(touch))
    if (list) list.push(touch)
    else first.set(placeOf(touch), [touch])
  }
  const found = new Map<string, { readonly touch: Touch; readonly laterBy: LaterWork['laterBy'] }>()
  for (const touch of others) {
    const ours = first.get(placeOf(touch)) ?? []
    if (ours.some(one => one.correlationId === touch.correlationId)) continue
    const laterBy = strongest(ours.flatMap(one => laterThan(one, touch) ?? []))
    if (laterBy === null) continue
    const line = `${touch.correlationId}\0${placeOf(touch)}`
    const known = found.get(line)
    if (!known || isNewer(touch, known.touch)) found.set(line, { touch, laterBy })
  }
  return [...found.values()]
    .map(({ touch, laterBy }) => {
      const { correlationId, system, resource, actionId, action, at } = touch
      return { correlationId, system, resource, actionId, action, recordedAt: at, laterBy }
    })
    .sort(
      (a, b) =>
        b.recordedAt - a.recordedAt ||
        byText(a.correlationId, b.correlationId) ||
        byText(placeOf(a), placeOf(b)),
    )
}

function laterThan(ours: Touch, other: Touch): LaterWork['laterBy'] | null {
  if (ours.partition === other.partition) return other.offset > ours.offset ? 'log' : null
  const apart = other.at - ours.at
  if (apart > CLOCKS_AGREE_WITHIN_MS) return 'clock'
  return apart >= -CLOCKS_AGREE_WITHIN_MS ? 'unsure' : null
}

function strongest(all: readonly LaterWork['laterBy'][]): LaterWork['laterBy'] | null {
  for (const each of ['log', 'clock', 'unsure'] as const) if (all.includes(each)) return each
  return null
}

function isNewer(a: Touch, b: Touch): boolean {
  return a.at - b.at > 0 || (a.at === b.at && byOrder(a.offset, b.offset) > 0)
}

function placeOf({ system, resource }: Pick<Touch, 'system' | 'resource'>): string {
  return `${system}\0${resource}`
}
