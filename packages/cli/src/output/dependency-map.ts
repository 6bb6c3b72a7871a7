import { safeText } from './safe-text.js'

/** A system of the map, as far as drawing it needs to know. */
export interface MappedSystem {
  readonly system: string
  readonly dependsOn: readonly string[]
  /** What stands beside its name: adapter and owner; null: nobody published a contract. */
  readonly about: string | null
}

export type GraphFormat = 'text' | 'mermaid' | 'dot'

/**
 * Who acts before whom going forward, so who is undone after whom. Systems that are depended on and have no contract are
 * shown too: nobody would undo them.
 */
export function dependencyMap(systems: readonly MappedSystem[], format: GraphFormat): string {
  const known = new Map(systems.map(system => [system.system, system]))
  for (const name of systems.flatMap(system => system.dependsOn))
    if (!known.has(name)) known.set(name, { system: name, dependsOn: [], about: null })
  const all = [...known.values()].sort((a, b) => (a.system < b.system ? -1 : 1))
  switch (format) {
    case 'text':
      return tree(all)
    case 'mermaid':
      return mermaid(all)
    case 'dot':
      return dot(all)
    default:
      return format satisfies never
  }
}

/** From those on which nobody depends, which are undone first, down to those that are undone last. */
function tree(systems: readonly MappedSystem[]): string {
  const byName = new Map(systems.map(each => [each.system, each]))
  const needed = new Set(systems.flatMap(each => each.dependsOn))
  const drawn = new Set<string>()
  const lines: string[] = []
  const draw = (name: string, head: string, tail: string, above: readonly string[]): void => {
    const each = byName.get(name)!
    const label = `${head}${nameOf(each)}`
    if (above.includes(name)) return void lines.push(`${label} (a circle: the planner breaks it)`)
    if (drawn.has(name) && each.dependsOn.length > 0) return void lines.push(`${label} (see above)`)
    drawn.add(name)
    lines.push(label)
    const below = [...new Set(each.dependsOn)].sort()
    for (const [i, next] of below.entries()) {
      const isLast = i === below.length - 1
      draw(next, `${tail}${isLast ? '└─ ' : '├─ '}`, `${tail}${isLast ? '   ' : '│  '}`, [...above, name])
    }
  }
  for (const { system } of systems) if (!needed.has(system)) draw(system, '', '', [])
  // What stands in a circle is needed by somebody, so nothing above has led to it.
  for (const { system } of systems) if (!drawn.has(system)) draw(system, '', '', [])
  return `${lines.join('\n')}\n`
}

function mermaid(systems: readonly MappedSystem[]): string {
  const ids = new Map(systems.map(({ system }, i) => [system, `s${i}`]))
  const nodes = systems.map(
    each => `  ${ids.get(each.system)}["${quoted(nameOf(each)).replaceAll('"', '#quot;')}"]`,
  )
  const edges = edgesOf(systems).map(([from, to]) => `  ${ids.get(from)} --> ${ids.get(to)}`)
  return `${['flowchart LR', ...nodes, ...edges].join('\n')}\n`
}

function dot(systems: readonly MappedSystem[]): string {
  const label = (text: string) => JSON.stringify(quoted(text))
  const nodes = systems.map(each => `  ${label(each.system)} [label=${label(nameOf(each))}];`)
  const edges = edgesOf(systems).map(([from, to]) => `  ${label(from)} -> ${label(to)};`)
  return `${['digraph systems {', '  rankdir=LR;', '  node [shape=box];', ...nodes, ...edges, '}'].join('\n')}\n`
}

function edgesOf(systems: readonly MappedSystem[]): readonly (readonly [string, string])[] {
  return systems.flatMap(({ system, dependsOn }) =>
    [...new Set(dependsOn)].sort().map(to => [system, to] as const),
  )
}

function nameOf({ system, about }: MappedSystem): string {
  return safeText(about === null ? `${system} (no contract)` : `${system} (${about})`)
}

/** Names come from contracts, which are others' words. */
function quoted(text: string): string {
  return text.replaceAll(/[\r\n\\]/g, ' ')
}
