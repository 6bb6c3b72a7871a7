import type { Graph } from './components.js'

/**
 * Tier of each node: the length of the longest way through what it waits for. Needs waits without circles.
 * @param floor the lowest tier that a node may have.
 */
export function tiersOf(waits: Graph, floor: (node: string) => number = () => 0): Map<string, number> {
  const tiers = new Map<string, number>()
  const open = [...waits.keys()]
  for (let node = open.at(-1); node !== undefined; node = open.at(-1)) {
    if (tiers.has(node)) {
      open.pop()
      continue
    }
    let tier = floor(node)
    let known = true
    for (const other of waits.get(node)!) {
      const before = tiers.get(other)
      if (before === undefined) {
        open.push(other)
        known = false
      } else tier = Math.max(tier, before + 1)
    }
    if (known) {
      tiers.set(node, tier)
      open.pop()
    }
  }
  return tiers
}
