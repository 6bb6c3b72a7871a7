import { type Document, isCollection, isMap, isScalar, parseAllDocuments } from 'yaml'
import { parsePointer } from '../../http/pointer.js'
import { type Format, FormatError, leaves, ordered, pathOf } from './format.js'

const MAX_ALIASES = 50

/** One YAML document. Comments and order stay; only values that change are written anew. */
export const yaml: Format = {
  read: text => leaves(only(text).toJS({ maxAliasCount: MAX_ALIASES }) ?? {}),
  write(text, changes) {
    const document = only(text)
    for (const [key, value] of ordered(changes)) change(document, pathOf(key, parsePointer), value)
    return write(document)
  },
  keyOf(name) {
    pathOf(name, parsePointer)
    return name
  },
}

/** @throws FormatError for what is not YAML. */
export function documentsOf(text: string): Document[] {
  const found = parseAllDocuments(text, { prettyErrors: false, uniqueKeys: true })
  const documents: Document[] = 'empty' in found ? [] : [...found]
  for (const document of documents) {
    const [error] = document.errors
    if (error) throw new FormatError(`it is not YAML: ${error.message}`)
  }
  return documents
}

/** Sets a value, or removes it; the comments around it stay. */
export function change(document: Document, path: readonly string[], value: string | null): void {
  if (value === null) {
    document.deleteIn(path)
    prune(document, path.slice(0, -1))
    return
  }
  const parsed: unknown = JSON.parse(value)
  const node = document.getIn(path, true)
  const isPlain = typeof parsed !== 'object' || parsed === null
  if (!isScalar(node) || !isPlain) {
    makeWay(document, path)
    document.setIn(path, parsed)
    return
  }
  // Quotes are kept for texts; a number in the quotes of a text would become one.
  if (typeof node.value !== typeof parsed) delete node.type
  node.value = parsed
  delete node.source
}

/** Lines are never folded: a diff of the file should show what was restored and nothing else. */
export function write(document: Document): string {
  return document.toString({ lineWidth: 0 })
}

function makeWay(document: Document, path: readonly string[]): void {
  for (let length = 0; length < path.length; length++) {
    const at = path.slice(0, length)
    const node = length === 0 ? document.contents : document.getIn(at, true)
    if (node !== undefined && node !== null && !isCollection(node)) {
      if (length === 0) document.contents = document.createNode({}) as never
      else document.setIn(at, document.createNode({}))
    }
  }
}

/** A branch whose last value is removed came with it. */
function prune(document: Document, path: readonly string[]): void {
  if (path.length === 0) return
  const node = document.getIn(path, true)
  if (!isMap(node) || node.items.length > 0) return
  document.deleteIn(path)
  prune(document, path.slice(0, -1))
}

function only(text: string): Document {
  const documents = documentsOf(text)
  if (documents.length > 1)
    throw new FormatError(`it holds ${documents.length} YAML documents; a configuration file holds one`)
  return documents[0] ?? (parseAllDocuments('{}')[0] as Document)
}
