import { byOrder } from './compare.js'
import type { Graph } from './components.js'
import { type Unknotted, unknot } from './unknot.js'

/** "tandem " cannot begin a system's name, so a group and a system never share a node. */
const GROUP = 'tandem '

/**
 * Order among tandem groups and single systems: a group is one block towards the others, so its members share the
 * latest tier of the group. An order between two members is kept (the later one is undone first): settling together
 * does not mean undoing in the wrong order.
 */
export function orderWithTandem(
  waits: Graph,
  tandemOf: (system: string) => string | null,
  lastAction: (system: string) => bigint,
): Unknotted {
  const nodeOf = new Map<string, string>()
  const members = new Map<string, string[]>()
  for (const system of waits.keys()) {
    const tandem = tandemOf(system)
    const node = tandem === null ? system : GROUP + tandem
    nodeOf.set(system, node)
    const group = members.get(node)
    if (group) group.push(system)
    else members.set(node, [system])
  }
  if (members.size === waits.size) return unknot(waits, lastAction)

  const between = new Map([...members.keys()].map(node => [node, new Set<string>()]))
  const inside = new Map([...waits.keys()].map(system => [system, new Set<string>()]))
  for (const [system, others] of waits)
    for (const other of others) {
      if (nodeOf.get(system) === nodeOf.get(other)) inside.get(system)!.add(other)
      else between.get(nodeOf.get(system)!)!.add(nodeOf.get(other)!)
    }
  const latest = (node: string) => members.get(node)!.map(lastAction).sort(byOrder).at(-1)!
  const outer = unknot(between, latest)
  const inner = unknot(inside, lastAction)
  const result = new Map<string, Set<string>>()
  for (const [system, node] of nodeOf) {
    const all = new Set(inner.waits.get(system)!)
    for (const other of outer.waits.get(node)!) for (const member of members.get(other)!) all.add(member)
    result.set(system, all)
  }
  const named = outer.knots.map(knot => knot.flatMap(node => members.get(node)!))
  return { waits: result, knots: [...named, ...inner.knots] }
}
