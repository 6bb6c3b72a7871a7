export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/**
 * JSON with sorted keys and no white space: equal values give equal bytes. Numbers must be safe integers,
 * because the text of a fraction differs between languages; fractions travel as strings.
 * @throws TypeError naming the path of a value that has no canonical form.
 */
export function canonicalJson(value: Json): string {
  try {
    return write(value)
  } catch (error) {
    if (!(error instanceof NoCanonicalForm)) throw error
    throw new TypeError(`$${error.path}: ${error.message}`)
  }
}

/** Gathers its path on the way out: nobody pays for a path that is not needed. */
class NoCanonicalForm extends Error {
  path = ''
}

function write(value: Json): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new NoCanonicalForm(`${value} is not a safe integer`)
    return String(value)
  }
  if (Array.isArray(value)) return writeArray(value)
  if (typeof value !== 'object') throw new NoCanonicalForm(`${typeof value} has no JSON form`)
  return writeObject(value as Record<string, Json>)
}

function writeArray(items: readonly Json[]): string {
  let text = '['
  for (let i = 0; i < items.length; i++) text += (i === 0 ? '' : ',') + at(items[i]!, `[${i}]`)
  return `${text}]`
}

function writeObject(object: Readonly<Record<string, Json>>): string {
  let text = '{'
  for (const key of sorted(Object.keys(object))) {
    const item = object[key]
    if (item !== undefined) text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${at(item, `.${key}`)}`
  }
  return `${text}}`
}

/** Few keys, and mostly in order already: sorted in place, without what a general sort sets up. */
function sorted(keys: string[]): readonly string[] {
  if (keys.length > MOST_INSERTED) return keys.sort()
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i]!
    let at = i
    for (; at > 0 && keys[at - 1]! > key; at--) keys[at] = keys[at - 1]!
    keys[at] = key
  }
  return keys
}

const MOST_INSERTED = 32

function at(value: Json, step: string): string {
  try {
    return write(value)
  } catch (error) {
    if (error instanceof NoCanonicalForm) error.path = step + error.path
    throw error
  }
}
