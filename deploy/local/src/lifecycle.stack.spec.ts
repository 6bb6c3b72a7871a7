import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { probePostgres } from './databases.js'
import {
  MissingPrerequisite,
  NameTaken,
  type Part,
  type Stack,
  type StackOptions,
  startStack,
} from './index.js'
import { canBind } from './ports.js'
import { wipePostgresHome } from './postgresHome.js'
import { groupIsAlive } from './processes.js'
import { probeRedis } from './redisProbe.js'
import { probeRegistry } from './registryProbe.js'

const CACHE = fileURLToPath(new URL('../../../.unwind/cache', import.meta.url))
const DIST = new URL('../dist/index.js', import.meta.url)

describe('a local stack', () => {
  let stateDir: string
  const running: Stack[] = []

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
    chmodSync(stateDir, 0o755)
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(stack => stack.stop()))
    wipePostgresHome(join(stateDir, 'data/dev/postgres'))
    rmSync(stateDir, { recursive: true, force: true })
  })

  async function start(parts: readonly Part[], options: Partial<StackOptions> = {}): Promise<Stack> {
    const stack = await startStack({
      stateDir,
      parts,
      env: { ...bare(), UNWIND_CACHE_DIR: CACHE },
      ...options,
    })
    running.push(stack)
    return stack
  }

  it('is gone, every process of it, when its parent was killed with SIGKILL', async () => {
    if (!existsSync(DIST)) throw new Error('not built: run `npm run build` first')
    const script = `
      const { startStack } = await import(${JSON.stringify(DIST.href)})
      const stack = await startStack(${JSON.stringify({ stateDir, parts: ['redis', 'postgres', 'registry'] })})
      console.log(JSON.stringify(['redis', 'postgres', 'registry'].map(part => stack.server(part).pid)))
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...bare(), UNWIND_CACHE_DIR: CACHE },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pids = JSON.parse(String(await once(parent.stdout))) as number[]
    expect(pids.map(groupIsAlive)).toEqual([true, true, true])
    parent.kill('SIGKILL')
    await expect.poll(() => pids.map(groupIsAlive), { timeout: 10_000 }).toEqual([false, false, false])
    // The next stack of this name finds the lock free and the data in order.
    const next = await start(['redis', 'postgres', 'registry'])
    await probePostgres(next.databaseUrl)
  })

  it('that is aborted while it starts leaves no process, no port and no lock', async () => {
    const controller = new AbortController()
    const said: string[] = []
    const starting = startStack({
      stateDir,
      parts: ['redis', 'registry'],
      env: { ...bare(), UNWIND_CACHE_DIR: CACHE },
      signal: controller.signal,
      say: line => said.push(line),
    })
    // Redis is up by then, and the registry is a process that does not answer yet.
    const pidFile = join(stateDir, 'data/dev/logs/registry.log.pid')
    await expect.poll(() => existsSync(pidFile) && said.length, { timeout: 10_000, interval: 5 }).toBe(2)
    const registry = Number(readFileSync(pidFile, 'utf8'))
    expect(groupIsAlive(registry)).toBe(true)
    controller.abort(new Error('enough'))
    await expect(starting).rejects.toThrow('enough')
    expect(said).toHaveLength(2)
    expect(await canBind(Number(/:(\d+)/.exec(said[1] as string)?.[1]))).toBe(true)
    await expect.poll(() => groupIsAlive(registry), { timeout: 2_000 }).toBe(false)
    await start(['redis'])
  })

  it('of which one part cannot start is stopped as a whole, and that part is the reason', async () => {
    const env = { ...bare(), UNWIND_CACHE_DIR: join(stateDir, 'empty'), PATH: pathWithout('mvn') }
    const failure = await startStack({ stateDir, parts: ['redis', 'postgres', 'kafka'], env }).catch(
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(MissingPrerequisite)
    await start(['redis', 'postgres'])
  })

  it('has its name for itself, and stands beside one of another name', async () => {
    const first = await start(['redis'])
    await expect(start(['redis'])).rejects.toThrow(NameTaken)
    const second = await start(['redis'], { name: 'other' })
    expect(second.redisUrl).not.toBe(first.redisUrl)
    await Promise.all([probeRedis(first.redisUrl), probeRedis(second.redisUrl)])
    await first.stop()
    await first.stop()
    await start(['redis'])
  })

  it('keeps its data and its ports over a restart, and forgets both when it starts fresh', async () => {
    const first = await start(['postgres', 'registry'])
    await query(first.databaseUrl, 'create table kept (n int)')
    const id = await register(first.registryUrl, 'kept')
    await first.stop()

    const second = await start(['postgres', 'registry'])
    expect(second.env).toEqual(first.env)
    await query(second.databaseUrl, 'select n from kept')
    expect(await register(second.registryUrl, 'kept')).toBe(id)
    await second.stop()

    const third = await start(['postgres', 'registry'], { fresh: true, temporary: true })
    await expect(query(third.databaseUrl, 'select n from kept')).rejects.toThrow(/does not exist/)
    expect(await subjects(third.registryUrl)).toEqual([])
    await third.stop()
    expect(existsSync(join(stateDir, 'data/dev'))).toBe(false)
  })

  it('lets a fault test kill, pause and start each part again', async () => {
    const stack = await start(['redis', 'postgres', 'registry'])
    await register(stack.registryUrl, 'kept')
    for (const part of ['redis', 'postgres', 'registry'] as const) {
      const probe = () =>
        ({ redis: probeRedis, postgres: probePostgres, registry: probeRegistry })[part](urlOf(stack, part))
      const server = stack.server(part)
      if (part !== 'registry') {
        server.pause()
        await expect(probe()).rejects.toThrow()
        server.resume()
        await stack.restart(part)
      }
      await probe()
      await server.kill()
      expect(server.pid).toBeUndefined()
      await expect(probe()).rejects.toThrow()
      await Promise.all([server.start(), server.start()])
      await probe()
    }
    expect(await subjects(stack.registryUrl)).toEqual(['kept'])
  })

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
    expect(statSync(join(stateDir, 'data/dev/postgres/password')).mode & 0o777).toBe(0o600)
  })

  it.runIf(process.getuid?.() === 0)(
    'runs PostgreSQL for root although its user cannot enter the state folder',
    async () => {
      chmodSync(stateDir, 0o700)
      const first = await start(['postgres'])
      await query(first.databaseUrl, 'create table kept (n int)')
      const elsewhere = readFileSync(join(stateDir, 'data/dev/postgres/elsewhere'), 'utf8')
      expect(statSync(join(elsewhere, 'server')).uid).not.toBe(0)
      await first.stop()
      const second = await start(['postgres'])
      await query(second.databaseUrl, 'select n from kept')
      await second.stop()
      const third = await start(['postgres'], { fresh: true })
      await expect(query(third.databaseUrl, 'select n from kept')).rejects.toThrow(/does not exist/)
    },
  )

  it('uses servers that the environment names, and neither stops nor wipes them', async () => {
    const shared = inject('stack')
    const env = {
      ...bare(),
      KAFKA_BROKERS: shared.brokers.join(','),
      SCHEMA_REGISTRY_URL: shared.registryUrl,
      REDIS_URL: shared.redisUrl,
      DATABASE_URL: shared.databaseUrl,
    }
    const said: string[] = []
    const stack = await startStack({ stateDir, env, fresh: true, say: line => said.push(line) })
    expect(stack).toMatchObject({ ...shared, nodes: [] })
    expect(said.join('\n')).not.toContain(new URL(shared.databaseUrl).password)
    expect(() => stack.server('redis')).toThrow(/REDIS_URL points at it/)
    expect(new URL(await stack.createDatabase('spec')).pathname).toBe('/unwind_local_spec')
    await stack.stop()
    await Promise.all([
      probeRedis(shared.redisUrl),
      probePostgres(shared.databaseUrl),
      probeRegistry(shared.registryUrl),
    ])
  })
})

/** Our environment, without the variables that would make a part external. */
function bare(): NodeJS.ProcessEnv {
  const { KAFKA_BROKERS: _k, SCHEMA_REGISTRY_URL: _s, REDIS_URL: _r, DATABASE_URL: _d, ...rest } = process.env
  return rest
}

/** PATH without the folders that hold this program; the tests' own Redis and PostgreSQL are found elsewhere. */
function pathWithout(program: string): string {
  const folders = (process.env.PATH ?? '').split(':')
  return folders.filter(folder => !existsSync(join(folder, program))).join(':')
}

function urlOf(stack: Stack, part: 'redis' | 'postgres' | 'registry'): string {
  return { redis: stack.redisUrl, postgres: stack.databaseUrl, registry: stack.registryUrl }[part]
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  try {
    await client.connect()
    return (await client.query(sql)).rows as Record<string, unknown>[]
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function register(registryUrl: string, subject: string): Promise<number> {
  const response = await fetch(`${registryUrl}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ schema: '"string"' }),
  })
  return ((await response.json()) as { id: number }).id
}

async function subjects(registryUrl: string): Promise<unknown> {
  return (await fetch(`${registryUrl}/subjects`)).json()
}

function once(stream: NodeJS.ReadableStream): Promise<unknown> {
  return new Promise(resolve => stream.once('data', resolve))
}
