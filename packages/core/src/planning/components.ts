import { byText } from './compare.js'

/** node → nodes that it points to. Every node that is pointed to is a key, too. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>

/**
 * Strongly connected components: sets of nodes that reach each other (Tarjan). Without a stack of calls, so that a long
 * chain of systems is no risk. Members are sorted; a node that is in no circle is a component of its own.
 */
export function components(graph: Graph): readonly (readonly string[])[] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const onStack = new Set<string>()
  const found: string[][] = []
  for (const root of graph.keys()) {
    if (index.has(root)) continue
    const calls: { node: string; next: Iterator<string> }[] = [enter(root)]
    while (calls.length > 0) {
      const { node, next } = calls.at(-1)!
      const step = next.next()
      if (!step.done) {
        if (!index.has(step.value)) calls.push(enter(step.value))
        else if (onStack.has(step.value)) low.set(node, Math.min(low.get(node)!, index.get(step.value)!))
        continue
      }
      calls.pop()
      const parent = calls.at(-1)
      if (parent) low.set(parent.node, Math.min(low.get(parent.node)!, low.get(node)!))
      if (low.get(node) === index.get(node)) found.push(takeComponent(node))
    }
  }
  return found

  function enter(node: string) {
    index.set(node, index.size)
    low.set(node, index.get(node)!)
    stack.push(node)
    onStack.add(node)
    return { node, next: graph.get(node)!.values() }
  }

  function takeComponent(root: string): string[] {
    const members: string[] = []
    for (let node = stack.pop()!; ; node = stack.pop()!) {
      onStack.delete(node)
      members.push(node)
      if (node === root) return members.sort(byText)
    }
  }
}

/** @returns one circle among these nodes, from its smallest name round to it again; null when there is none. */
export function findCircle(graph: Graph): readonly string[] | null {
  const circle = components(graph)
    .filter(c => c.length > 1)
    .sort((a, b) => byText(a[0]!, b[0]!))[0]
  if (!circle) return null
  const start = circle[0]!
  // Breadth first: the shortest way back is the one that people understand.
  const cameFrom = new Map<string, string>()
  const open = [start]
  for (let node = open.shift(); node !== undefined; node = open.shift()) {
    for (const next of [...graph.get(node)!].sort(byText)) {
      if (next === start) return [...wayBack(node), start]
      if (cameFrom.has(next) || !circle.includes(next)) continue
      cameFrom.set(next, node)
      open.push(next)
    }
  }
  return null

  function wayBack(end: string): string[] {
    const path = [end]
    for (let node = end; node !== start; path.unshift(node)) node = cameFrom.get(node)!
    return path
  }
}
