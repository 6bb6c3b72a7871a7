import { statSync } from 'node:fs'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { describe, expect, it } from 'vitest'
import { useStacks } from '../spec/kit.js'

async function query(url: string, sql: string): Promise<mysql.RowDataPacket[]> {
  const connection = await mysql.createConnection({ uri: url })
  try {
    return (await connection.query<mysql.RowDataPacket[]>(sql))[0]
  } finally {
    await connection.end()
  }
}

describe("a local stack's MariaDB", () => {
  const { start, stateDir } = useStacks()

  it('is durable and closed, makes databases anew, and keeps its data over a kill', async () => {
    const stack = await start(['mariadb'])
    const [settings] = await query(
      stack.mariadbUrl,
      'select @@innodb_flush_log_at_trx_commit as flushed, @@bind_address as address, @@port as port',
    )
    expect(settings).toMatchObject({ flushed: 1, address: '127.0.0.1', port: stack.server('mariadb').port })
    expect(statSync(join(stateDir(), 'data/dev/mariadb/password')).mode & 0o777).toBe(0o600)
    const wrong = new URL(stack.mariadbUrl)
    wrong.password = 'wrong'
    await expect(query(wrong.href, 'select 1')).rejects.toThrow('Access denied')
    await expect(query(wrong.href.replace('root:', 'nobody:'), 'select 1')).rejects.toThrow('Access denied')

    const url = await stack.createMariadbDatabase('shop')
    await query(url, 'create table t (n int)')
    await stack.server('mariadb').kill()
    await stack.server('mariadb').start()
    expect(await query(url, 'select n from t')).toEqual([])
    expect(await stack.createMariadbDatabase('shop')).toBe(url)
    await expect(query(url, 'select n from t')).rejects.toThrow(/doesn't exist/)
    for (const name of ['mysql', 'information_schema', 'Shop', 'a`b', ''])
      await expect(stack.createMariadbDatabase(name)).rejects.toThrow(/is no name/)
  })
})
