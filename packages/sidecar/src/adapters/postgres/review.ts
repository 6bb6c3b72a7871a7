/** A step's rows as a read shows them: what `review` in the database returns. Numbers are decimal strings. */
export interface Review {
  effect: boolean
  expected: string
  restored: string
  kept: string
  digest: string | null
  differences: Record<string, unknown>[]
  truncated: string[]
}
