export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/**
 * JSON with sorted keys and no white space: equal values give equal bytes. Numbers must be safe integers,
 * because the text of a fraction differs between languages; fractions travel as strings.
 * @throws TypeError naming the path of a value that has no canonical form.
 */
export function canonicalJson(value: Json, path = '$'): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError(`${path}: ${value} is not a safe integer`)
    return String(value)
  }
  if (Array.isArray(value))
    return `[${value.map((item, i) => canonicalJson(item, `${path}[${i}]`)).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`${path}: ${typeof value} has no JSON form`)
  const entries = Object.entries(value as Record<string, Json>).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item, `${path}.${key}`)}`).join(',')}}`
}
