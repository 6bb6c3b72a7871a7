import { readFile } from 'node:fs/promises'
import pg from 'pg'
import type { DatabaseUrls } from './systems.js'

/** One level above src/ and dist/ alike. */
const SQL = new URL('../sql/', import.meta.url)

/**
 * Creates the shop's two databases where they are missing.
 * @param adminUrl of a database on the server, with the right to create others.
 * @param prefix lower-case letters, digits and "_"; several shops may live on one server.
 */
export async function createDatabases(adminUrl: string, prefix = 'shop'): Promise<DatabaseUrls> {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(prefix))
    throw new Error(`expected a prefix of lower-case letters, digits and "_", got ${JSON.stringify(prefix)}`)
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    for (const name of [`${prefix}_orders`, `${prefix}_stock`]) {
      const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name])
      if (rowCount === 0) await client.query(`create database "${name}"`)
    }
  } finally {
    await client.end()
  }
  return {
    orders: withDatabase(adminUrl, `${prefix}_orders`),
    stock: withDatabase(adminUrl, `${prefix}_stock`),
  }
}

/** Tables and first rows. May be run again. Capture is installed afterwards, so the first rows are nobody's action. */
export async function setUpTables(orders: pg.Pool, stock: pg.Pool): Promise<void> {
  for (const [pool, files] of [
    [orders, ['orders.sql', 'seed-orders.sql']],
    [stock, ['stock.sql', 'seed-stock.sql']],
  ] as const)
    for (const file of files) await pool.query(await readFile(new URL(file, SQL), 'utf8'))
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
