import type { Stack } from '@unwind/local-stack'
import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import pg from 'pg'
import type { Driver } from './driver.js'
import { type BenchSite, benchContract, topicsOf } from './setup.js'
import { SYSTEMS } from './workload.js'

const TABLE = `CREATE TABLE entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, correlation_id text NOT NULL, amount bigint NOT NULL)`

/** One database for each system, with one table; capture is installed by `installAll`, as a person would. */
export async function createDatabases(stack: Stack): Promise<Readonly<Record<string, string>>> {
  const urls: Record<string, string> = {}
  for (const system of SYSTEMS) {
    const url = await stack.createDatabase(`bench_${system}`)
    urls[system] = url
    await withClient(url, client => client.query(TABLE))
  }
  return urls
}

export async function installAll(site: BenchSite): Promise<void> {
  for (const system of SYSTEMS) {
    const { contract } = benchContract(site, system)
    await withClient(site.databases[system]!, client =>
      installCapture(client, parsePostgresOptions(contract), system),
    )
  }
}

/**
 * The forward traffic of the next run: one row in each of the six databases for each correlation ID, written by plain SQL
 * and captured by the triggers; returns when the sidecars have relayed all of it.
 */
export async function writeEntries(site: BenchSite, driver: Driver, count: number): Promise<void> {
  const before = await recorded(site, driver)
  const run = driver.nextRun
  await Promise.all(
    SYSTEMS.map(system =>
      withClient(site.databases[system]!, async client => {
        for (let i = 0; i < count; i++) {
          const id = `o${run}-${i}`
          await client.query(
            `BEGIN; SET LOCAL unwind.correlation_id = '${id}'; INSERT INTO entries (correlation_id, amount) VALUES ('${id}', ${i}); COMMIT`,
          )
        }
      }),
    ),
  )
  const expected = before + count * SYSTEMS.length
  const deadline = Date.now() + 60_000
  for (let now = before; now < expected; now = await recorded(site, driver)) {
    if (Date.now() > deadline)
      throw new Error(`${now} of ${expected} captured actions were relayed after 60 s`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

/** Rows that are left: none, when every rollback was done. */
export async function rowsLeft(site: BenchSite): Promise<number> {
  let left = 0
  for (const system of SYSTEMS) {
    await withClient(site.databases[system]!, async client => {
      const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM entries')
      left += rows[0]!.n
    })
  }
  return left
}

async function recorded(site: BenchSite, driver: Driver): Promise<number> {
  const admin = await driver.log.admin()
  try {
    const offsets = await admin.offsets(topicsOf(site).actions)
    return [...offsets.values()].reduce((sum, { start, end }) => sum + Number(end - start), 0)
  } finally {
    await admin.close()
  }
}

export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}
