import { byOrder, byText } from './compare.js'
import { components, type Graph } from './components.js'

export interface Unknotted {
  /** The same waits without circles. */
  readonly waits: Graph
  /** Nodes that waited for each other, in the order in which they are undone now. */
  readonly knots: readonly (readonly string[])[]
}

/**
 * Nodes that wait for each other cannot all have their way. The one thing left that is certain is what happened, so they
 * are undone one after the other by the last action of each, latest first, and the knot counts as one block: whoever
 * waits for one of it waits for all, and all of it waits for whatever one of it waited for.
 */
export function unknot(waits: Graph, lastAction: (node: string) => bigint): Unknotted {
  const found = components(waits)
  if (found.every(block => block.length === 1)) return { waits, knots: [] }
  const blocks = found.map(block =>
    [...block].sort((a, b) => byOrder(lastAction(b), lastAction(a)) || byText(a, b)),
  )
  const blockOf = new Map(blocks.flatMap(block => block.map(node => [node, block] as const)))
  const result = new Map<string, Set<string>>()
  for (const block of blocks) {
    const outside = new Set<string>()
    for (const node of block)
      for (const other of waits.get(node)!)
        if (blockOf.get(other) !== block) for (const member of blockOf.get(other)!) outside.add(member)
    block.forEach((node, at) => {
      result.set(node, new Set([...outside, ...block.slice(0, at)]))
    })
  }
  const knots = blocks.filter(block => block.length > 1).sort((a, b) => byText(a[0]!, b[0]!))
  return { waits: result, knots }
}
