import { canonicalJson, type Json } from '../plan/canonical-json.js'

/** Equality of what was read from a contract file; absent and null are alike. */
export function sameValue(a: unknown, b: unknown): boolean {
  return canonicalJson((a ?? null) as Json) === canonicalJson((b ?? null) as Json)
}
