/** What a member says when it joins. */
export interface Candidate {
  readonly memberId: string
  readonly topics: readonly string[]
  /** What it held before, and in which generation: with two claims the later generation is right. */
  readonly held: Readonly<Record<string, readonly number[]>>
  readonly generation: number
}

type Assignment = Record<string, number[]>

/**
 * Shares partitions out evenly per topic and leaves them where they are as far as evenness allows, so that the death or
 * arrival of one member moves only what it must: every move makes a sidecar fold its open rollbacks again.
 * Deterministic: the same candidates give the same shares.
 */
export function assignPartitions(
  candidates: readonly Candidate[],
  partitions: ReadonlyMap<string, readonly number[]>,
): Map<string, Assignment> {
  const result = new Map<string, Assignment>(candidates.map(one => [one.memberId, {}]))
  const load = new Map<string, number>(candidates.map(one => [one.memberId, 0]))
  for (const [topic, list] of [...partitions].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const members = candidates.filter(one => one.topics.includes(topic))
    if (members.length > 0) shareTopic(topic, list, members, result, load)
  }
  return result
}

function shareTopic(
  topic: string,
  list: readonly number[],
  members: readonly Candidate[],
  result: Map<string, Assignment>,
  load: Map<string, number>,
): void {
  const ordered = [...members].sort(
    (a, b) => b.generation - a.generation || (a.memberId < b.memberId ? -1 : 1),
  )
  const floor = Math.floor(list.length / members.length)
  let extras = list.length % members.length
  const free = new Set(list)
  const shares = new Map<string, number[]>(members.map(one => [one.memberId, []]))
  // Whoever holds more than the floor may keep one more, as long as there are extra ones to give.
  for (const { memberId, held } of ordered) {
    const share = shares.get(memberId)!
    for (const partition of held[topic] ?? []) {
      if (!free.has(partition)) continue
      if (share.length === floor && extras > 0) extras--
      else if (share.length >= floor) break
      share.push(partition)
      free.delete(partition)
    }
  }
  for (const partition of free) {
    const next = [...members].sort(
      (a, b) =>
        shares.get(a.memberId)!.length - shares.get(b.memberId)!.length ||
        load.get(a.memberId)! - load.get(b.memberId)! ||
        (a.memberId < b.memberId ? -1 : 1),
    )[0]!
    shares.get(next.memberId)!.push(partition)
  }
  for (const [memberId, share] of shares) {
    if (share.length === 0) continue
    result.get(memberId)![topic] = share.sort((a, b) => a - b)
    load.set(memberId, load.get(memberId)! + share.length)
  }
}
