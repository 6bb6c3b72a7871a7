/**
 * A way to write configuration down. Values are compared and restored by key, so that a conflict names the setting that
 * somebody changed, and a merge leaves theirs alone.
 */
export interface Format {
  /**
   * Every value by its key: a JSON pointer, or the name of a property. Values are JSON text.
   * @throws FormatError when the text is not of this format.
   */
  read(text: string): Values
  /**
   * The text with these keys set, or removed where the value is null; all else as it was, comments included where the
   * format has them.
   * @throws FormatError when the text is not of this format, or a value cannot stand in it.
   */
  write(text: string, changes: ReadonlyMap<string, string | null>): string
  /** The key that a name in recorded data means. @throws FormatError when it can be none. */
  keyOf(name: string): string
}

export type Values = ReadonlyMap<string, string>

export class FormatError extends Error {
  override readonly name = 'FormatError'
}

export function toPointer(path: readonly (string | number)[]): string {
  return path.map(part => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Values of a JSON document by pointer. Arrays, empty objects and scalars are values of their own. */
export function leaves(
  value: unknown,
  path: readonly string[] = [],
  found = new Map<string, string>(),
): Map<string, string> {
  const isTree = typeof value === 'object' && value !== null && !Array.isArray(value)
  const entries = isTree ? Object.entries(value) : []
  if (entries.length === 0) {
    // An empty document holds nothing.
    if (path.length > 0 || !isTree) found.set(toPointer(path), JSON.stringify(value ?? null))
    return found
  }
  for (const [name, field] of entries) leaves(field, [...path, name], found)
  return found
}

export function pathOf(key: string, parse: (text: string) => readonly string[] | null): readonly string[] {
  const path = parse(key)
  if (path === null)
    throw new FormatError(`${JSON.stringify(key)} is not a JSON pointer such as "/log/level"`)
  return path
}

/** In the order in which they can be made: what is removed first, so that a branch can take the place of a leaf. */
export function ordered(changes: ReadonlyMap<string, string | null>): (readonly [string, string | null])[] {
  return [...changes].sort(([, a], [, b]) => Number(a !== null) - Number(b !== null))
}
