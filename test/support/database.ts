import pg from 'pg'

/** A database of a test's own on the stack's server, as the application that owns it sees it. */
export class TestDatabase {
  private constructor(
    readonly name: string,
    readonly url: string,
    private readonly adminUrl: string,
    private readonly client: pg.Client,
  ) {}

  /** @param adminUrl of a superuser. */
  static async create(adminUrl: string, name: string, ...schema: string[]): Promise<TestDatabase> {
    await once(adminUrl, `CREATE DATABASE "${name}"`)
    const target = new URL(adminUrl)
    target.pathname = `/${name}`
    const client = new pg.Client({ connectionString: target.href })
    await client.connect()
    for (const statement of schema) await client.query(statement)
    return new TestDatabase(name, target.href, adminUrl, client)
  }

  async sql(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await this.client.query(text, [...values])).rows
  }

  /** Statements of one forward transaction, as an application writes them that names its business transaction. */
  async transaction(correlationId: string | null, ...statements: string[]): Promise<void> {
    await this.client.query('BEGIN')
    try {
      if (correlationId !== null)
        await this.client.query(`SELECT set_config('unwind.correlation_id', $1, true)`, [correlationId])
      for (const statement of statements) await this.client.query(statement)
      await this.client.query('COMMIT')
    } catch (error) {
      await this.client.query('ROLLBACK')
      throw error
    }
  }

  /** For what takes a connection of its owner's, such as installing the capture. */
  lend<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return work(this.client)
  }

  async drop(): Promise<void> {
    await this.client.end()
    await once(this.adminUrl, `DROP DATABASE IF EXISTS "${this.name}" WITH (FORCE)`)
  }
}

async function once(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
