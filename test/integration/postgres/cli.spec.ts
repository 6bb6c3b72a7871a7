import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../../packages/cli/src/main.js'
import { memoryIo } from '../../../packages/cli/src/testing/memory-io.js'
import { bench } from './harness.js'

const db = bench('cli')
const cwd = mkdtempSync(join(tmpdir(), 'unwind-postgres-'))

async function unwind(words: string, env: Record<string, string> = { SHOP_URL: db.url() }) {
  const io = memoryIo({ cwd, env })
  const code = await run(words.split(' '), io)
  return { code, out: io.out(), err: io.err() }
}

describe('unwind capture, on PostgreSQL', () => {
  beforeAll(async () => {
    await db.sql('CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE notes (text text)')
    const contract = (tables: string) => `apiVersion: unwind/v1
kind: Contract
system: shop
version: 1.0.0
owner: {team: shop, contact: "#shop"}
success: The rows are as they were.
adapter:
  kind: postgres
  url: \${SHOP_URL}
  capture:
    tables:
      ${tables}
actions:
  order.changed: {}
`
    writeFileSync(join(cwd, 'shop.yaml'), contract('orders: {}'))
    writeFileSync(join(cwd, 'notes.yaml'), contract('notes: {}'))
  })

  it('installs, says what is there, and removes', async () => {
    expect((await unwind('capture status --contract shop.yaml')).code).toBe(1)
    expect(JSON.parse((await unwind('capture install --contract shop.yaml -o json')).out)).toEqual({
      system: 'shop',
      installed: ['public.orders'],
      unchanged: [],
      retired: [],
    })
    const status = await unwind('capture status --contract shop.yaml')
    expect(status.code).toBe(0)
    expect(status.err).toContain('schema "unwind": 0 transactions in the undo log, 0 not published yet')
    expect(JSON.parse((await unwind('capture remove --contract shop.yaml --yes -o json')).out)).toEqual({
      system: 'shop',
      removed: ['public.orders'],
    })
    expect(await db.sql(`SELECT FROM pg_namespace WHERE nspname = 'unwind'`)).toEqual([])
  })

  it('a table without a primary key: refused with the key of the contract and what to do', async () => {
    const { code, err } = await unwind('capture install --contract notes.yaml')
    expect(code).not.toBe(0)
    expect(err).toContain('notes.yaml:12:14 adapter.capture.tables.notes: has no primary key')
    expect(err).toContain(
      'name the columns of a unique index (key: [...]), add a primary key, or say "key: row"',
    )
    expect(await db.sql(`SELECT FROM pg_namespace WHERE nspname = 'unwind'`)).toEqual([])
  })

  it('wrong credentials and an unreachable server: said, with an exit code of failure', async () => {
    const wrong = new URL(db.url())
    wrong.username = 'nobody'
    wrong.password = 'wrong-secret'
    const denied = await unwind('capture install --contract shop.yaml', { SHOP_URL: wrong.href })
    expect(denied.code).toBe(5)
    expect(denied.err).toMatch(
      /shop\.yaml:9:8 adapter\.url: cannot connect: .*(password authentication failed|role "nobody" does not exist)/,
    )
    expect(denied.err).not.toContain('wrong-secret')
    expect(denied.err).toContain('user, password and database of the URL')
    wrong.port = '1'
    const away = await unwind('capture install --contract shop.yaml', { SHOP_URL: wrong.href })
    expect(away.code).toBe(5)
    expect(away.err).toMatch(/shop\.yaml:9:8 adapter\.url: cannot connect: .*ECONNREFUSED/)
  })
})
