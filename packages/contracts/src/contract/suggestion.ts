import { z } from 'zod'
import type { KeyPath } from './yaml-source.js'

/** Keys that a schema knows at a path; empty where it knows none, or takes any. */
export function keysAt(schema: z.ZodType, path: KeyPath): readonly string[] {
  let at: readonly z.ZodType[] = unwrapped(schema)
  for (const name of path) at = at.flatMap(type => child(type, name)).flatMap(unwrapped)
  return [...new Set(at.flatMap(type => (type instanceof z.ZodObject ? Object.keys(type.shape) : [])))]
}

/** The known key that was probably meant, or null. */
export function nearest(key: string, known: readonly string[]): string | null {
  let best: string | null = null
  let least = Math.max(1, Math.floor(key.length / 3)) + 1
  for (const candidate of known) {
    const steps = distance(key.toLowerCase(), candidate.toLowerCase())
    if (steps < least) {
      best = candidate
      least = steps
    }
  }
  return best
}

function child(type: z.ZodType, name: PropertyKey): readonly z.ZodType[] {
  if (type instanceof z.ZodObject) {
    const found = (type.shape as Record<string, z.ZodType>)[String(name)]
    return found ? [found] : []
  }
  if (type instanceof z.ZodRecord) return [type.valueType as z.ZodType]
  if (type instanceof z.ZodArray) return [type.element as z.ZodType]
  return []
}

function unwrapped(type: z.ZodType): readonly z.ZodType[] {
  if (type instanceof z.ZodOptional || type instanceof z.ZodDefault || type instanceof z.ZodPrefault)
    return unwrapped(type.unwrap() as z.ZodType)
  if (type instanceof z.ZodUnion) return (type.options as readonly z.ZodType[]).flatMap(unwrapped)
  return [type]
}

/** Levenshtein distance: insertions, deletions and substitutions. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++)
      row.push(
        Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)),
      )
    previous = row
  }
  return previous[b.length]!
}
