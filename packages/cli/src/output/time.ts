/** Milliseconds for people: "12 ms", "1.4 s", "2 m 05 s", "3 h 10 m". */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} m ${pad(Math.floor((ms % 60_000) / 1_000), 2)} s`
  return `${Math.floor(ms / 3_600_000)} h ${pad(Math.floor((ms % 3_600_000) / 60_000), 2)} m`
}

/** Epoch ms as UTC time of day, "02:07:33.123". */
export function formatTime(at: number): string {
  return new Date(at).toISOString().slice(11, 23)
}

/** Epoch ms as UTC day, "2026-11-21". */
export function formatDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * A moment in the past: "30s", "10m", "2h", "1d" before `now`, or an ISO date and time.
 * @returns epoch ms, or null when it is neither.
 */
export function parseSince(text: string, now: number): number | null {
  const match = /^(\d{1,6})([smhd])$/.exec(text.trim())
  if (match) return now - Number(match[1]) * UNITS[match[2]!]!
  if (!/^\d{4}-\d{2}-\d{2}([T ]|$)/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : at
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
