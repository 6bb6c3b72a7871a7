import type { Palette } from '../output/colour.js'
import { table } from '../output/table.js'

/** What a person needs to reach a local environment. */
export interface Endpoints {
  readonly brokers: readonly string[]
  readonly registryUrl: string
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly apiUrl: string | null
  /** Where the other verbs find all of it. */
  readonly stateFile: string
}

export function endpointsTable(endpoints: Endpoints, palette: Palette): string {
  const rows: [string, string][] = [
    ['Kafka', endpoints.brokers.join(',')],
    ['registry', endpoints.registryUrl],
    ['Redis', withoutPassword(endpoints.redisUrl)],
    ['PostgreSQL', withoutPassword(endpoints.databaseUrl)],
    ['coordinator', endpoints.apiUrl ?? 'not started; run "unwind coordinator"'],
  ]
  return table(['part', 'where'], rows, palette)
}

/** Terminals are shared and recorded; the password stands in the state file, which only its owner can read. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url)
    if (parsed.password) parsed.password = '***'
    return parsed.href
  } catch {
    return url
  }
}
