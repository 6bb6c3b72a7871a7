import mysql from 'mysql2/promise'
import { EXTERNAL_PREFIX } from './databases.js'
import { PROBE_TIMEOUT_MS } from './tcp.js'

export async function probeMariadb(url: string): Promise<void> {
  await withConnection(url, PROBE_TIMEOUT_MS, async connection => {
    const [rows] = await connection.query<mysql.RowDataPacket[]>('select version() as version')
    const version = String(rows[0]?.version)
    if (!/mariadb/i.test(version)) throw new Error(`this is MySQL ${version}, not MariaDB`)
  })
}

/** Drops the database if it exists, and the capture beside it, creates it, and returns its URL. */
export async function recreateMariadbDatabase(
  adminUrl: string,
  name: string,
  external: boolean,
): Promise<string> {
  if (
    !/^[a-z_][a-z0-9_]{0,39}$/.test(name) ||
    /^(mysql|sys|information_schema|performance_schema)$/.test(name)
  ) {
    throw new Error(`"${name}" is no name for a database here: lower-case letters, digits and _, at most 40`)
  }
  const full = external ? EXTERNAL_PREFIX + name : name
  await withConnection(adminUrl, 10_000, async connection => {
    await connection.query(`drop database if exists \`${full}\``)
    await connection.query(`drop database if exists \`${full}_unwind\``)
    await connection.query(`create database \`${full}\``)
  })
  const url = new URL(adminUrl)
  url.pathname = `/${full}`
  return url.toString()
}

async function withConnection<T>(
  url: string,
  timeoutMs: number,
  work: (connection: mysql.Connection) => Promise<T>,
): Promise<T> {
  const connection = await mysql.createConnection({ uri: url, connectTimeout: timeoutMs })
  // Without a listener, a connection that breaks between two queries would end this process.
  connection.on('error', () => undefined)
  try {
    return await work(connection)
  } finally {
    connection.destroy()
  }
}
