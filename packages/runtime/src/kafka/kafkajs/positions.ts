import { type AssignedPartition, LogRegressed, type TopicPartition } from '../port.js'
import type { Link } from './link.js'
import { listOffsets, nameOf } from './list-offsets.js'
import { Backoff, pause } from './timing.js'

/** A leader that was just elected may not know the whole log for a moment: a regression is looked at so often. */
const LOOKS = 4
const BETWEEN_LOOKS_MS = 500

/**
 * Where to begin in each partition, checked against the log: what a client does by itself with an offset outside of it is
 * to jump, silently (I1).
 * @param committed by `nameOf`; −1: none, so the log's start.
 * @throws LogRegressed
 */
export async function startPositions(
  link: Link,
  partitions: readonly TopicPartition[],
  committed: ReadonlyMap<string, bigint>,
): Promise<Map<string, AssignedPartition>> {
  for (let look = 1; ; look++) {
    const [starts, ends] = await Promise.all([
      listOffsets(link, partitions, 'start'),
      listOffsets(link, partitions, 'end'),
    ])
    const found = new Map<string, AssignedPartition>()
    let regression: LogRegressed | null = null
    for (const { topic, partition } of partitions) {
      const name = nameOf({ topic, partition })
      const start = starts.get(name) ?? 0n
      const end = ends.get(name) ?? 0n
      const known = committed.get(name) ?? -1n
      const position = known < 0n ? start : known
      if (position < start || position > end) regression = regressed(name, position, start, end)
      found.set(name, { topic, partition, position, endAtAssignment: end })
    }
    if (regression === null) return found
    if (look === LOOKS) throw regression
    await pause(BETWEEN_LOOKS_MS)
    await link.refresh()
  }
}

/**
 * A broker refused a position: looks, as long as it takes, whether it lies in the log after all.
 * @param wanted asked before each look; false ends it.
 * @returns the regression; null when the position is sound, or not wanted any more.
 */
export async function recheckPosition(
  link: Link,
  partition: TopicPartition,
  position: bigint,
  wanted: () => boolean,
): Promise<LogRegressed | null> {
  const backoff = new Backoff(200)
  while (wanted()) {
    try {
      await backoff.wait()
      await startPositions(link, [partition], new Map([[nameOf(partition), position]]))
      return null
    } catch (error) {
      if (error instanceof LogRegressed) return error
      await link.refresh().catch(() => undefined)
    }
  }
  return null
}

function regressed(name: string, position: bigint, start: bigint, end: bigint): LogRegressed {
  const what =
    position < start
      ? `records ${position} to ${start - 1n} were deleted before they were read (retention, or records deleted by hand)`
      : `the log ends before the offset that was reached (the topic was created anew, or an unclean leader cut it)`
  return new LogRegressed(
    `${name}: position ${position} is outside of the log, which holds ${start} to ${end}: ${what}. ` +
      'Nothing was skipped. Find out what is missing; then set the committed offset of the group by hand and start again.',
  )
}
