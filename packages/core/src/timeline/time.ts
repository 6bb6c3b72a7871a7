/** Epoch ms as ISO 8601 in UTC; a number that is no moment is printed as it is, since what a record says may be anything. */
export function isoTime(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms`
}
