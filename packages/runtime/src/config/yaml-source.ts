import { readFileSync } from 'node:fs'
import { isMap, isNode, isSeq, LineCounter, parseDocument } from 'yaml'

export interface YamlSource {
  readonly path: string
  readonly value: Record<string, unknown>
  /** Line of a key, from 1; of the closest key above it where the file does not have it. */
  lineOf(path: readonly PropertyKey[]): number
}

/** Reads a YAML file whose content is a mapping (an empty file is an empty one). Each key at most once; no aliases bomb. */
export function readYaml(path: string): YamlSource | { readonly problems: readonly string[] } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { problems: [`the file ${path} cannot be read: ${reason}`] }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true })
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map(
        error => `${path}:${error.linePos?.[0].line ?? 1}: ${firstLine(error.message)}`,
      ),
    }
  }
  if (document.contents !== null && !isMap(document.contents)) {
    return {
      problems: [`${path}:1: the file must hold keys and values, such as "kafka: { brokers: [...] }".`],
    }
  }
  return {
    path,
    value: document.toJS({ maxAliasCount: 100 }) ?? {},
    lineOf(keys) {
      let node: unknown = document.contents
      let offset = 0
      for (const key of keys) {
        if (isSeq(node)) {
          const item = node.items[Number(key)]
          if (!isNode(item)) break
          offset = item.range?.[0] ?? offset
          node = item
          continue
        }
        if (!isMap(node)) break
        const pair = node.items.find(item => String(item.key) === String(key))
        if (pair === undefined) break
        offset = (pair.key as { range?: [number, number, number] | null }).range?.[0] ?? offset
        node = pair.value
      }
      return lines.linePos(offset).line
    },
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.replace(/ at line \d+.*$/, '')
}
