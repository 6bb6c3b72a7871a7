import { z } from 'zod'

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

const EXPECTED = 'expected a duration such as "200ms", "5s" or "10m"'

/** "200ms", "5s", "10m", "2h", "7d" as milliseconds. A bare number is refused: its unit would be a guess. */
export const duration = z.union([z.string(), z.number()], { error: EXPECTED }).transform((value, context) => {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(String(value))
  const ms = match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : Number.NaN
  if (Number.isSafeInteger(ms)) return ms
  context.addIssue({ code: 'custom', message: `${EXPECTED}, got ${JSON.stringify(value)}` })
  return z.NEVER
})
