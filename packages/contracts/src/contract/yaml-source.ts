import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from 'yaml'

export type KeyPath = readonly PropertyKey[]

export interface Location {
  readonly line: number
  readonly column: number
}

/** What is wrong with the YAML itself. */
export interface SyntaxProblem extends Location {
  readonly message: string
  /** The rest of the file can still be checked. */
  readonly recoverable: boolean
}

/** A parsed file that knows where everything stands. */
export interface YamlSource {
  readonly value: unknown
  readonly problems: readonly SyntaxProblem[]
  /** Where a value stands; for a missing one, the nearest that surrounds it. `at: 'key'` points to the key instead. */
  locate(path: KeyPath, at?: 'key' | 'value'): Location
}

/** More aliases than any honest contract has; a small file must not unfold into a large one. */
const MAX_ALIASES = 50

export function readYaml(text: string): YamlSource {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const location = (offset: number): Location => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const all: SyntaxProblem[] = [...document.errors, ...document.warnings].map(problem => ({
    ...location(problem.pos[0]),
    message: wording(problem, text),
    recoverable: problem.code === 'DUPLICATE_KEY',
  }))
  // What follows the first syntax error is mostly its echo.
  const broken = all.findIndex(problem => !problem.recoverable)
  const problems = broken < 0 ? all : all.slice(0, broken + 1)
  const locate = (path: KeyPath, at: 'key' | 'value' = 'value') => location(offsetOf(document, path, at))
  if (problems.some(problem => !problem.recoverable)) return { value: undefined, problems, locate }
  try {
    return { value: document.toJS({ maxAliasCount: MAX_ALIASES }), problems, locate }
  } catch (error) {
    const message = (error as Error).message
    return {
      value: undefined,
      problems: [...problems, { line: 1, column: 1, message, recoverable: false }],
      locate,
    }
  }
}

function wording(problem: YAMLError, text: string): string {
  const start = problem.pos[0]
  if (problem.code === 'DUPLICATE_KEY') return `key ${keyAt(text, start)} occurs twice`
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1).split('\n', 1)[0]!
  const hint = /[{,[].*(?<!["'])\$\{/.test(line) ? `. Inside { } and [ ], put "\${NAME}" in quotes` : ''
  return `is not YAML: ${problem.message}${hint}`
}

function keyAt(text: string, offset: number): string {
  return JSON.stringify(
    /^(?:"[^"\n]*"|'[^'\n]*'|[^:\n]*)/
      .exec(text.slice(offset))![0]
      .trim()
      .replace(/^["']|["']$/g, ''),
  )
}

function offsetOf(document: Document, path: KeyPath, at: 'key' | 'value'): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [i, name] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    const isLast = i === path.length - 1
    if (isMap(node)) {
      const pair = node.items.find(
        item => String(isScalar(item.key) ? item.key.value : item.key) === String(name),
      )
      if (!pair) return offset
      const key = startOf(pair.key)
      node = pair.value
      offset = (isLast && at === 'key' ? key : (startOf(node) ?? key)) ?? offset
    } else if (isSeq(node)) {
      node = node.items[Number(name)]
      offset = startOf(node) ?? offset
    } else return offset
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}
