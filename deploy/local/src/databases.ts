import pg from 'pg'
import { PROBE_TIMEOUT_MS } from './tcp.js'

/** An external server is somebody's: only names with this prefix are ever dropped there. */
export const EXTERNAL_PREFIX = 'unwind_local_'

export async function probePostgres(url: string): Promise<void> {
  await withClient(url, PROBE_TIMEOUT_MS, client => client.query('select 1'))
}

/** Drops the database if it exists, even with sessions on it, creates it, and returns its URL. */
export async function recreateDatabase(adminUrl: string, name: string, external: boolean): Promise<string> {
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(name) || /^(postgres|template\d)$/.test(name)) {
    throw new Error(`"${name}" is no name for a database here: lower-case letters, digits and _, at most 50`)
  }
  const full = external ? EXTERNAL_PREFIX + name : name
  await untilNoDeadlock(() =>
    withClient(adminUrl, 10_000, async client => {
      await client.query(`drop database if exists "${full}" with (force)`)
      await client.query(`create database "${full}"`)
    }),
  )
  const url = new URL(adminUrl)
  url.pathname = `/${full}`
  return url.toString()
}

const DEADLOCK = '40P01'
const MOST_TRIES = 5

/** Databases and roles of one server are made and dropped by others at the same time; the one that gave way begins anew. */
async function untilNoDeadlock(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if ((error as { code?: string }).code !== DEADLOCK || tries >= MOST_TRIES) throw error
    }
  }
}

async function withClient<T>(
  url: string,
  timeoutMs: number,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs })
  // Without a listener, a connection that breaks between two queries would end this process.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => undefined)
  }
}
