import type { Json } from '@unwind/contracts'
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml'

/** Why a text cannot be changed in place. */
export class CannotSplice extends Error {
  override readonly name = 'CannotSplice'
}

/** Flag definitions, JSON or YAML (JSON is a part of it), with the places of everything. */
export interface Definitions {
  readonly text: string
  /** Whole content. */
  readonly content: unknown
  readonly root: YAMLMap
}

/** @throws CannotSplice when the text is no map, or cannot be read. */
export function readDefinitions(text: string): Definitions {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true })
  const [error] = document.errors
  if (error) throw new CannotSplice(`it is neither JSON nor YAML: ${error.message}`)
  if (!isMap(document.contents)) throw new CannotSplice('it holds no map of flags')
  return { text, content: document.toJS({ maxAliasCount: 50 }), root: document.contents }
}

interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

/**
 * Sets or removes fields of one map, and leaves the rest as it is: comments, order, white space. Where a field comes or goes, the
 * separators inside this one map may change.
 * @param path of the map, e.g. ["flags", "new-checkout"].
 * @param change null removes a field.
 * @throws CannotSplice
 */
export function splice(
  { text, root }: Definitions,
  path: readonly string[],
  change: Readonly<Record<string, Json>>,
): string {
  let map: unknown = root
  for (const name of path) map = isMap(map) ? map.get(name, true) : undefined
  if (!isMap(map) || !map.range) throw new CannotSplice(`${path.join('.')} is not written out as a map`)
  if (map.anchor) throw new CannotSplice(`${path.join('.')} is shared by an anchor; write it out`)
  const wanted = new Map(Object.entries(change))
  const edits = map.flow ? flowEdits(text, map, wanted) : blockEdits(text, map, wanted)
  return edits
    .sort((x, y) => y.from - x.from)
    .reduce((result, edit) => result.slice(0, edit.from) + edit.text + result.slice(edit.to), text)
}

type Change = ReadonlyMap<string, Json>

/** Values in place where that is all; else the members anew, each that stays with its own bytes. */
function flowEdits(text: string, map: YAMLMap, change: Change): Edit[] {
  const { items } = map
  const names = items.map(nameOf)
  const grows = [...change].some(([field, value]) => names.includes(field) !== (value !== null))
  if (!grows) return replacements(text, items, change)
  const kept = items.filter(item => change.get(nameOf(item)) !== null)
  const added = [...change].filter(([field, value]) => value !== null && !names.includes(field))
  const members = [
    ...kept.map(item => memberText(text, item, change)),
    ...added.map(([field, value]) => `${JSON.stringify(field)}: ${JSON.stringify(value)}`),
  ]
  if (items.length === 0)
    return [{ from: map.range![0], to: map.range![1], text: `{ ${members.join(', ')} }` }]
  const from = startOf(items[0]!)
  const to = endOf(text, items.at(-1)!)
  return [{ from, to, text: members.join(separatorOf(text, items)) }]
}

function replacements(text: string, items: readonly Pair[], change: Change): Edit[] {
  return items.flatMap(item => {
    const value = change.get(nameOf(item))
    if (value === undefined || value === null) return []
    const { from, to } = valuePlace(text, item)
    return [{ from, to, text: JSON.stringify(value) }]
  })
}

function memberText(text: string, item: Pair, change: Change): string {
  const value = change.get(nameOf(item))
  if (value === undefined) return text.slice(startOf(item), endOf(text, item))
  return text.slice(startOf(item), valuePlace(text, item).from) + JSON.stringify(value)
}

/** What stands between two members of this map, or would. */
function separatorOf(text: string, items: readonly Pair[]): string {
  const [first, second] = items
  if (first && second) {
    const between = text.slice(endOf(text, first), startOf(second))
    if (/^\s*,\s*$/.test(between)) return between
  }
  const start = startOf(first!)
  const lead = text.slice(lineStart(text, start), start)
  return lead.trim() === '' ? `,\n${lead}` : ', '
}

function blockEdits(text: string, map: YAMLMap, change: Change): Edit[] {
  const removed = map.items.filter(item => change.get(nameOf(item)) === null)
  if (removed.length === map.items.length) throw new CannotSplice('nothing would be left of the flag')
  const edits = replacements(text, map.items, change)
  for (const item of removed) {
    const newline = text.indexOf('\n', endOf(text, item))
    edits.push({
      from: lineStart(text, startOf(item)),
      to: newline < 0 ? text.length : newline + 1,
      text: '',
    })
  }
  const names = map.items.map(nameOf)
  const added = [...change].filter(([field, value]) => value !== null && !names.includes(field))
  if (added.length === 0) return edits
  // Before the first member: its line is known to be one of this map, whatever comments follow the last.
  const first = startOf(map.items[0]!)
  const from = lineStart(text, first)
  const lead = text.slice(from, first)
  if (lead.trim() !== '') throw new CannotSplice('its first member does not stand on a line of its own')
  const lines = added.map(([field, value]) => `${lead}${JSON.stringify(field)}: ${JSON.stringify(value)}\n`)
  return [...edits, { from, to: from, text: lines.join('') }]
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : ''
}

function valuePlace(text: string, { key, value }: Pair): { readonly from: number; readonly to: number } {
  const range = rangeOf(value)
  if (!range) throw new CannotSplice(`${String(key)} has no value`)
  // What replaces a value in block style is written in flow style, where the block began.
  return { from: range[0], to: trimmedEnd(text, range[0], range[1]) }
}

function rangeOf(node: unknown): readonly [number, number, number] | null {
  return (node as { range?: [number, number, number] | null } | null)?.range ?? null
}

function startOf(pair: Pair): number {
  const range = rangeOf(pair.key)
  if (!range) throw new CannotSplice('a key has no place')
  return range[0]
}

function endOf(text: string, pair: Pair): number {
  const range = rangeOf(pair.value) ?? rangeOf(pair.key)!
  return trimmedEnd(text, range[0], range[1])
}

/** Block values reach over the line break and the comments behind them. */
function trimmedEnd(text: string, from: number, to: number): number {
  let end = to
  while (end > from && /\s/.test(text[end - 1]!)) end--
  return end
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}
