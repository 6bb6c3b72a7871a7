import { parsePointer } from '../../http/pointer.js'
import { type Format, FormatError, leaves, ordered, pathOf } from './format.js'

type Tree = Record<string, unknown>

/** JSON, written anew with the indentation that it had. */
export const json: Format = {
  read: text => leaves(parse(text)),
  write(text, changes) {
    let document = parse(text)
    for (const [key, value] of ordered(changes))
      document = changed(document, pathOf(key, parsePointer), value)
    const indent = /\n([ \t]+)["[{]/.exec(text)?.[1] ?? (text.trim().includes('\n') ? 2 : 0)
    return JSON.stringify(document, null, indent) + (text.endsWith('\n') ? '\n' : '')
  },
  keyOf(name) {
    pathOf(name, parsePointer)
    return name
  },
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new FormatError(`it is not JSON: ${(error as Error).message}`)
  }
}

function changed(document: unknown, path: readonly string[], value: string | null): unknown {
  const [name, ...rest] = path
  if (name === undefined) return value === null ? {} : JSON.parse(value)
  const isTree = typeof document === 'object' && document !== null && !Array.isArray(document)
  if (!isTree && value === null) return document
  const tree: Tree = isTree ? { ...(document as Tree) } : {}
  const field = Object.hasOwn(tree, name) ? tree[name] : undefined
  const next = value === null && rest.length === 0 ? undefined : changed(field, rest, value)
  // A branch whose last value is removed came with it.
  const isEmpty = typeof next === 'object' && next !== null && Object.keys(next).length === 0
  if (next === undefined || (value === null && rest.length > 0 && isEmpty)) delete tree[name]
  // Not by assignment: "__proto__" would be more than a name.
  else
    Object.defineProperty(tree, name, { value: next, enumerable: true, configurable: true, writable: true })
  return tree
}
