import { type Document, isMap } from 'yaml'
import { type Format, FormatError, ordered } from './format.js'
import { change, documentsOf, write } from './yaml.js'

export interface ConfigMapName {
  readonly name: string
  /** Null: whichever the manifest says. */
  readonly namespace: string | null
}

const SECTIONS = ['data', 'binaryData'] as const
const KEY = /^(data|binaryData)\/[A-Za-z0-9._-]{1,253}$/

/**
 * The keys of one ConfigMap in a manifest, which may hold other objects beside it. Only `data` and `binaryData` are the
 * configuration; metadata, comments and the other objects are never touched.
 */
export function configMap(wanted: ConfigMapName): Format {
  return {
    read(text) {
      const { document } = find(text, wanted)
      const values = new Map<string, string>()
      for (const section of SECTIONS) {
        const node = document.get(section)
        if (node === undefined || node === null) continue
        if (!isMap(node)) throw new FormatError(`"${section}" of ${nameOf(wanted)} is not a map`)
        const entries = Object.entries(node.toJS(document) as Record<string, unknown>)
        for (const [key, value] of entries) values.set(`${section}/${key}`, JSON.stringify(value))
      }
      return values
    },
    write(text, changes) {
      const { document, start, end } = find(text, wanted)
      for (const [key, value] of ordered(changes)) {
        if (!KEY.test(key)) throw new FormatError(`${JSON.stringify(key)} is not a key of a ConfigMap`)
        if (value !== null && typeof JSON.parse(value) !== 'string')
          throw new FormatError(`${key} is ${value}: a ConfigMap holds only texts`)
        change(document, key.split('/'), value)
      }
      return text.slice(0, start) + write(document) + text.slice(end)
    },
    keyOf(name) {
      const key = name.includes('/') ? name : `data/${name}`
      if (!KEY.test(key)) throw new FormatError(`${JSON.stringify(name)} is not a key of a ConfigMap`)
      return key
    },
  }
}

/** @returns the document and where its text stands in the manifest. */
function find(text: string, wanted: ConfigMapName): { document: Document; start: number; end: number } {
  const documents = documentsOf(text)
  const matching = documents.filter(
    document =>
      document.get('kind') === 'ConfigMap' &&
      document.getIn(['metadata', 'name']) === wanted.name &&
      (wanted.namespace === null || document.getIn(['metadata', 'namespace']) === wanted.namespace),
  )
  const [document] = matching
  if (!document || matching.length > 1)
    throw new FormatError(
      `the manifest holds ${matching.length === 0 ? 'no' : 'more than one'} ConfigMap ${nameOf(wanted)}`,
    )
  // Another object's bytes stay as they are: a document's text begins where that of the one before it ends.
  const index = documents.indexOf(document)
  const start = index === 0 ? 0 : endOf(documents[index - 1]!)
  return { document, start, end: endOf(document) }
}

/** A parsed document always has its place in the text. */
function endOf(document: Document): number {
  return document.range![2]
}

function nameOf({ name, namespace }: ConfigMapName): string {
  return namespace === null ? name : `${namespace}/${name}`
}
