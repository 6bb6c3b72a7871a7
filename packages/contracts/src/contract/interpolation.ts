import type { KeyPath } from './yaml-source.js'

/** Value of a variable; undefined: not set. */
export type Lookup = (name: string) => string | undefined

export interface InterpolationProblem {
  readonly path: KeyPath
  readonly message: string
}

/**
 * Replaces `${NAME}` in string values below `adapter`, `undo` and `probe`, the parts that only this system's sidecar
 * reads. Everywhere else it is refused: there the published document must say what it means, since others plan by it,
 * and two sidecars with one contract hash must not act differently. `$${` stands for a literal `${`.
 * @param lookup absent: variables stay as they are, only their form and place are checked.
 */
export function interpolate(
  value: unknown,
  lookup: Lookup | null,
): { value: unknown; problems: readonly InterpolationProblem[] } {
  const problems: InterpolationProblem[] = []
  const walk = (at: unknown, path: KeyPath): unknown => {
    if (typeof at === 'string') return at.includes('${') ? replace(at, path, lookup, problems) : at
    if (Array.isArray(at)) return at.map((item, i) => walk(item, [...path, i]))
    if (typeof at !== 'object' || at === null) return at
    return Object.fromEntries(Object.entries(at).map(([key, item]) => [key, walk(item, [...path, key])]))
  }
  return { value: walk(value, []), problems }
}

const VARIABLE = /\$?\$\{([^}]*)\}?/g
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

function replace(
  text: string,
  path: KeyPath,
  lookup: Lookup | null,
  problems: InterpolationProblem[],
): string {
  return text.replace(VARIABLE, (found: string, name: string) => {
    if (found.startsWith('$$')) return found.slice(1)
    const problem = (message: string) => {
      problems.push({ path, message })
      return found
    }
    if (!found.endsWith('}') || !NAME.test(name))
      return problem(
        `${found} is no variable: expected \${NAME} (letters, digits, underscores), or $\${ for a literal \${`,
      )
    if (!mayHold(path))
      return problem(`\${${name}} is not replaced here: variables stand only below adapter, undo and probe`)
    if (!lookup) return found
    return lookup(name) ?? problem(`variable ${name} is not set: set it in the environment of this process`)
  })
}

function mayHold(path: KeyPath): boolean {
  return path[0] === 'adapter' || (path[0] === 'actions' && (path[2] === 'undo' || path[2] === 'probe'))
}
