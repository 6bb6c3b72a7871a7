import mysql from 'mysql2/promise'
import { inject } from 'vitest'

/** URL of the run's MariaDB as root; the first call starts it. */
export async function mariadbUrl(): Promise<string> {
  const response = await fetch(inject('mariadbStarter'), { signal: AbortSignal.timeout(300_000) })
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
}

export type MariaRow = Record<string, string | null>

/** A connection as an application has one; every value comes as the text that the server sends. */
export class MariaClient {
  private constructor(readonly connection: mysql.Connection) {}

  static async connect(url: string): Promise<MariaClient> {
    const connection = await mysql.createConnection({
      uri: url,
      multipleStatements: true,
      typeCast: field => field.string(),
    })
    connection.on('error', () => undefined)
    return new MariaClient(connection)
  }

  /** Rows of the last statement that has any. */
  async sql(text: string, values: readonly unknown[] = []): Promise<MariaRow[]> {
    const [result] = await this.connection.query(text, [...values])
    return Array.isArray(result) ? ((Array.isArray(result[0]) ? result[0] : result) as MariaRow[]) : []
  }

  /** Statements of one forward transaction, as an application writes them that names its business transaction. */
  async transaction(correlationId: string | null, ...statements: string[]): Promise<void> {
    await this.sql('SET @unwind_correlation_id = ?', [correlationId])
    await this.sql('START TRANSACTION')
    try {
      for (const statement of statements) await this.sql(statement)
      await this.sql('COMMIT')
    } catch (error) {
      await this.sql('ROLLBACK')
      throw error
    } finally {
      await this.sql('SET @unwind_correlation_id = NULL')
    }
  }

  async end(): Promise<void> {
    await this.connection.end().catch(() => undefined)
  }
}

export async function onceMaria(url: string, text: string): Promise<MariaRow[]> {
  const client = await MariaClient.connect(url)
  try {
    return await client.sql(text)
  } finally {
    await client.end()
  }
}
