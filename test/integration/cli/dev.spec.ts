import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { Unwind, unwind } from './unwind.js'

const cwd = mkdtempSync(join(tmpdir(), 'unwind-dev-'))
const id = `d${randomBytes(4).toString('hex')}`
const stateFile = join(cwd, '.unwind', `${id}.json`)
let dev: Unwind
let sidecar: Unwind
let database: pg.Client
let databaseUrl: string

/** Only the name of the environment: everything else is found through it. */
const options = () => ({ cwd, env: { UNWIND_ENV: id, ACCOUNTS_URL: databaseUrl } })
const run = (words: string) => unwind(words.split(' '), options())

beforeAll(async () => {
  const { brokers, registryUrl, redisUrl, databaseUrl: server } = inject('stack')
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  await admin.query(`CREATE DATABASE ${id}`)
  await admin.end()
  const url = new URL(server)
  url.pathname = `/${id}`
  databaseUrl = url.href
  database = new pg.Client({ connectionString: databaseUrl })
  await database.connect()
  await database.query('CREATE TABLE public.accounts (id int PRIMARY KEY, owner text, points int)')
  writeFileSync(
    join(cwd, 'accounts.yaml'),
    `apiVersion: unwind/v1
kind: Contract
system: accounts
version: 1.0.0
owner: {team: loyalty, contact: "#loyalty"}
success: The account is as it was before.
adapter:
  kind: postgres
  url: \${ACCOUNTS_URL}
  capture:
    tables:
      public.accounts: {}
actions:
  account.changed: {}
`,
  )
  // Servers that run already are used, so that this is about the verbs and not about starting brokers.
  dev = new Unwind(['dev', '--name', id, '--api-port', '0', '--contracts', 'accounts.yaml'], {
    cwd,
    env: {
      KAFKA_BROKERS: brokers.join(','),
      SCHEMA_REGISTRY_URL: registryUrl,
      REDIS_URL: redisUrl,
      DATABASE_URL: server,
      UNWIND_TOPICS_PREFIX: id,
      ACCOUNTS_URL: databaseUrl,
    },
  })
  await dev.until('it is up', () => dev.err.includes('Ctrl-C stops all of it.'))
})

afterAll(async () => {
  await sidecar?.stop('SIGTERM')
  await dev?.stop()
  await database?.end()
})

async function change(correlationId: string | null, sql: string): Promise<void> {
  await database.query('BEGIN')
  if (correlationId !== null)
    await database.query("SELECT set_config('unwind.correlation_id', $1, true)", [correlationId])
  await database.query(sql)
  await database.query('COMMIT')
}

const row = async (key: number) =>
  (await database.query('SELECT * FROM public.accounts WHERE id = $1', [key])).rows[0]

/** The action has travelled from the database over Kafka into the view. */
async function planned(correlationId: string): Promise<void> {
  for (;;) {
    const { code, out } = await run(`plan ${correlationId} -o json`)
    if (code === 0 && (JSON.parse(out) as { rows: unknown[] }).rows.length === 1) return
  }
}

test('it says where everything is, and keeps what others must not read to its owner', () => {
  expect(dev.out).toMatch(
    /^PART +WHERE\nKafka +127\.0\.0\.1:\d+\nregistry +http:.*\nRedis +redis:.*\nPostgreSQL +postgres:.*\ncoordinator +http:\/\/127\.0\.0\.1:\d+\n$/,
  )
  expect(dev.out).not.toContain(new URL(inject('stack').databaseUrl).password || '\u0000')
  expect(statSync(stateFile).mode & 0o777).toBe(0o600)
  const { keys } = JSON.parse(readFileSync(stateFile, 'utf8')) as { keys: Record<string, string> }
  expect(Object.keys(keys).sort()).toEqual([
    'client:dev',
    'coordinator:dev',
    'operator:dev',
    'sidecar:accounts',
  ])
  for (const file of Object.values(keys)) expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('the same name twice is refused', async () => {
  const { code, err } = await unwind(['dev', '--name', id], { cwd })
  expect(code).toBe(1)
  expect(err).toContain(`The local environment "${id}" runs already`)
})

test('doctor finds nothing to mend', async () => {
  const { code, out } = await run('doctor -o json')
  const findings = JSON.parse(out) as { check: string; state: string; detail: string }[]
  // Java is for stacks of one's own; the clocks are the machine's.
  const wrong = findings.filter(({ check, state }) => state !== 'ok' && check !== 'java')
  expect([code, wrong]).toEqual([0, []])
})

describe('a system takes part and is rolled back, by verbs alone', () => {
  beforeAll(async () => {
    expect((await run('capture status --contract accounts.yaml')).code).toBe(1)
    expect((await run('capture install --contract accounts.yaml')).out).toContain(
      'public.accounts  installed',
    )
    expect((await run('capture status --contract accounts.yaml')).code).toBe(0)
    sidecar = new Unwind(['sidecar', '--contract', 'accounts.yaml'], options())
    await sidecar.until('it follows', () => sidecar.err.includes('sidecar accounts is ready.'))
  })

  test('systems names it with its owner', async () => {
    const { code, out } = await run('systems -o json')
    const systems = JSON.parse(out) as {
      system: string
      contract: { owner: object }
      sidecar: object | null
    }[]
    expect(code).toBe(0)
    expect(systems.map(({ system, contract }) => [system, contract.owner])).toEqual([
      ['accounts', { team: 'loyalty', contact: '#loyalty' }],
    ])
  })

  test('what was not rolled back has no status, and exits 6', async () => {
    const { code, out } = await run('status order-0')
    expect([code, out]).toEqual([6, ''])
  })

  test('restored and verified exits 0, and the row is as before', async () => {
    await change(null, "INSERT INTO public.accounts VALUES (1, 'ana', 10)")
    await change('order-1', 'UPDATE public.accounts SET points = 30 WHERE id = 1')
    await planned('order-1')
    const { code, out } = await run('rollback order-1 --reason half-way --yes --wait --as user:ana -o json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      correlationId: 'order-1',
      phase: 'closed',
      endState: 'RESTORED_VERIFIED',
      proposedBy: 'user:ana',
      restored: 1,
      expected: 1,
      steps: [{ stepId: 'accounts', status: 'verified' }],
    })
    expect(await row(1)).toEqual({ id: 1, owner: 'ana', points: 10 })
    expect((await run('status order-1')).code).toBe(0)
  })

  test('a conflict waits for a person (4), who decides; what was kept is not green (3)', async () => {
    await change(null, "INSERT INTO public.accounts VALUES (2, 'ben', 10)")
    await change('order-2', 'UPDATE public.accounts SET points = 30 WHERE id = 2')
    await change(null, 'UPDATE public.accounts SET points = 77 WHERE id = 2')
    await planned('order-2')
    const parked = await run('rollback order-2 --reason half-way --yes --wait')
    expect(parked.code).toBe(4)
    expect(parked.out).toMatch(/^0 +accounts +parked /m)
    expect(parked.out).toContain('--step accounts --take keep|force|merge|manual')
    expect((await run('status order-2')).code).toBe(4)
    const wrong = await run('resolve order-2 --step stock --take keep --reason counted')
    expect([wrong.code, wrong.err]).toEqual([
      6,
      expect.stringContaining('has no step "stock".\n       It has accounts.'),
    ])
    expect(
      (await run('resolve order-2 --step accounts --take keep --reason counted --as user:ana')).code,
    ).toBe(0)
    const watched = await run('status order-2 -w')
    expect(watched.code).toBe(3)
    expect(watched.out.trimEnd().split('\n').at(-1)).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} PARTIAL: accounts verified$/,
    )
    expect(await row(2)).toEqual({ id: 2, owner: 'ben', points: 77 })
  })

  test('the timeline tells the whole story, and list names both', async () => {
    const { code, out } = await run('timeline order-2')
    expect(code).toBe(0)
    for (const part of [
      'accounts did account.changed',
      'accounts parked: conflict',
      'resolve accounts keep by user:ana',
      'rollback closed: PARTIAL',
    ])
      expect(out).toContain(part)
    const listed = JSON.parse((await run('list -o json')).out) as {
      correlationId: string
      endState: string
    }[]
    expect(listed.map(({ correlationId, endState }) => [correlationId, endState])).toEqual([
      ['order-2', 'PARTIAL'],
      ['order-1', 'RESTORED_VERIFIED'],
    ])
    const closed = await run('list --state running')
    expect([closed.code, closed.out]).toEqual([0, ''])
  })

  test('tail shows the same from the log itself, every signature good', async () => {
    const { code, out } = await run('tail --correlation order-1 --actions --no-follow -o json')
    const events = out
      .trimEnd()
      .split('\n')
      .map(text => JSON.parse(text) as { type: string; trusted: boolean })
    expect(code).toBe(0)
    expect(events.filter(event => !event.trusted)).toEqual([])
    // A first attempt is announced only if it is slow: on a busy machine it may be.
    const types = events.map(event => event.type).filter(type => type !== 'CompensationStarted')
    expect(types).toEqual([
      'ActionRecorded',
      'RollbackProposed',
      'RollbackRequested',
      'CompensationCompleted',
      'RollbackClosed',
    ])
  })
})

test('Ctrl-C ends a sidecar and the environment cleanly, and nothing is left', async () => {
  const { apiUrl } = JSON.parse(readFileSync(stateFile, 'utf8')) as { apiUrl: string }
  expect(await sidecar.stop()).toBe(0)
  expect(await dev.stop()).toBe(0)
  expect(dev.err).toContain('Stopped; nothing was left running.')
  expect(existsSync(stateFile)).toBe(false)
  await expect(fetch(`${apiUrl}/livez`)).rejects.toThrow('fetch failed')
})
