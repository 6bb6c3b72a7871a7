import type { EventLog } from '@unwind/runtime'
import { classify, type Failure, failed } from './failures.js'
import type { Item } from './item.js'
import type { ReadBacks, ReadLimits } from './read-back.js'
import { Sighting } from './sighting.js'
import { judge, type Verdict } from './verdict.js'

/** Where and from when to look. */
export interface Scope {
  /** Number of partitions by topic. */
  readonly partitions: ReadonlyMap<string, number>
  /** Epoch ms: no reversing record of the step is older. */
  readonly since: number
  /** How far clocks may differ, ms. */
  readonly skewMs: number
}

export interface Judged {
  readonly item: Item
  readonly verdict: Verdict
}

/** Reads every topic of the items back, side by side, and judges what is there. */
export async function survey(
  { log, reads }: { readonly log: EventLog; readonly reads: ReadBacks },
  items: readonly Item[],
  scope: Scope,
  limits: ReadLimits,
  enough: (judged: readonly Judged[]) => boolean,
): Promise<readonly Judged[] | Failure> {
  const stray = items.flatMap(item => strayPartition(log, item, scope) ?? [])[0]
  if (stray) return stray
  const sightings = new Map<string, Sighting>()
  const judgeAll = () => items.map(item => ({ item, verdict: judge(item, sightings.get(item.topic)!) }))
  const topics = [...new Set(items.map(item => item.topic))]
  for (const topic of topics) sightings.set(topic, new Sighting(items.filter(item => item.topic === topic)))
  const readings = topics.map(async topic => {
    const here = items.filter(item => item.topic === topic)
    const seen = sightings.get(topic)!
    const partitions = [...new Set(here.map(item => partitionOf(log, item, scope)))]
    const from = Math.min(...here.map(item => item.replaced?.at ?? scope.since)) - scope.skewMs
    const visit = seen.take.bind(seen)
    const satisfied = () => enough(here.map(item => ({ item, verdict: judge(item, seen) })))
    try {
      await reads.read({ topic, partitions, from: Math.max(0, from) }, limits, visit, satisfied)
      return null
    } catch (error) {
      return classify(error, `reading ${topic} back`, true)
    }
  })
  const failure = (await Promise.all(readings)).find(each => each !== null)
  return failure ?? judgeAll()
}

function partitionOf(log: EventLog, item: Item, { partitions }: Scope): number {
  return log.partitionOf(item.key, partitions.get(item.topic)!)
}

/** A record in another partition than ours would never be replaced by it. */
function strayPartition(log: EventLog, item: Item, scope: Scope): Failure | null {
  const expected = partitionOf(log, item, scope)
  if (!item.replaced || item.replaced.partition === expected) return null
  return failed(
    'contract',
    `${item.name}: the action's record lies in partition ${item.replaced.partition}, and its key belongs into ${expected}, so a reversing record would not replace it; nothing was sent`,
    'Let the producer of this topic use the default partitioner, or undo the action by hand and resolve the step.',
  )
}
