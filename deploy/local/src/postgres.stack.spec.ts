import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { query, useStacks } from '../spec/kit.js'

describe("a local stack's PostgreSQL", () => {
  const { start, stateDir } = useStacks()

  it('makes databases anew, even with a session on the old one, and refuses names that are none', async () => {
    const stack = await start(['postgres'])
    const url = await stack.createDatabase('shop')
    const session = new pg.Client(url)
    session.on('error', () => undefined)
    await session.connect()
    await session.query('create table t (n int)')
    expect(await stack.createDatabase('shop')).toBe(url)
    await expect(query(url, 'select n from t')).rejects.toThrow(/does not exist/)
    for (const name of ['postgres', 'template1', 'Shop', 'a"b', '']) {
      await expect(stack.createDatabase(name)).rejects.toThrow(/is no name/)
    }
  })

  it('is durable and closed: fsync on, passwords asked for, loopback only, secrets for the owner only', async () => {
    const stack = await start(['postgres'])
    const settings = await query(
      stack.databaseUrl,
      `select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'listen_addresses', 'max_connections')`,
    )
    expect(Object.fromEntries(settings.map(row => [row.name, row.setting]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      listen_addresses: '127.0.0.1',
      max_connections: '200',
    })
    const wrong = new URL(stack.databaseUrl)
    wrong.password = 'wrong'
    await expect(query(wrong.toString(), 'select 1')).rejects.toThrow(/password authentication failed/)
    expect(statSync(join(stateDir(), 'data/dev/postgres/password')).mode & 0o777).toBe(0o600)
  })

  it.runIf(process.getuid?.() === 0)(
    'runs PostgreSQL for root although its user cannot enter the state folder',
    async () => {
      chmodSync(stateDir(), 0o700)
      const first = await start(['postgres'])
      await query(first.databaseUrl, 'create table kept (n int)')
      const elsewhere = readFileSync(join(stateDir(), 'data/dev/postgres/elsewhere'), 'utf8')
      expect(statSync(join(elsewhere, 'server')).uid).not.toBe(0)
      await first.stop()
      const second = await start(['postgres'])
      await query(second.databaseUrl, 'select n from kept')
      await second.stop()
      const third = await start(['postgres'], { fresh: true })
      await expect(query(third.databaseUrl, 'select n from kept')).rejects.toThrow(/does not exist/)
    },
  )
})
