/** Rounds of short runs in turn, so that a busy moment of the machine hits all of them. */
export interface Interleaved {
  /** The middle of what the rounds gave. */
  median(name: string): number
  /** The middle of what each round gave in proportion to the reference in the same round. */
  ratio(name: string): number
}

/** @param kinds the first is the reference. Each gets the number of the round, or -1 for a short run beforehand. */
export async function interleaved(
  kinds: Readonly<Record<string, (round: number) => Promise<number>>>,
  rounds: number,
): Promise<Interleaved> {
  const names = Object.keys(kinds)
  const found = new Map<string, number[]>(names.map(name => [name, []]))
  for (const name of names) await kinds[name]!(-1)
  for (let round = 0; round < rounds; round++) {
    // Who goes first alternates too.
    for (const name of round % 2 === 0 ? names : names.toReversed())
      found.get(name)!.push(await kinds[name]!(round))
  }
  const reference = found.get(names[0]!)!
  return {
    median: name => median(found.get(name)!),
    ratio: name => median(found.get(name)!.map((value, round) => value / reference[round]!)),
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
