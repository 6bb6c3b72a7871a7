import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { bare, query, useStacks } from '../spec/kit.js'
import { probePostgres } from './databases.js'
import { MissingPrerequisite, NameTaken, type Stack, startStack } from './index.js'
import { canBind } from './ports.js'
import { groupIsAlive } from './processes.js'
import { probeRedis } from './redisProbe.js'
import { probeRegistry } from './registryProbe.js'

const DIST = new URL('../dist/index.js', import.meta.url)

describe('a local stack', () => {
  const { start, stateDir } = useStacks()

  it('is gone, every process of it, when its parent was killed with SIGKILL', async () => {
    if (!existsSync(DIST)) throw new Error('not built: run `npm run build` first')
    const script = `
      const { startStack } = await import(${JSON.stringify(DIST.href)})
      const stack = await startStack(${JSON.stringify({ stateDir: stateDir(), parts: ['redis', 'postgres', 'registry'] })})
      console.log(JSON.stringify(['redis', 'postgres', 'registry'].map(part => stack.server(part).pid)))
      setInterval(() => {}, 1000)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: bare(),
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
      stateDir: stateDir(),
      parts: ['redis', 'registry'],
      env: bare(),
      signal: controller.signal,
      say: line => said.push(line),
    })
    // Redis is up by then, and the registry is a process that does not answer yet.
    const pidFile = join(stateDir(), 'data/dev/logs/registry.log.pid')
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
    const env = { ...bare(), UNWIND_CACHE_DIR: join(stateDir(), 'empty'), PATH: pathWithout('mvn') }
    const failure = await startStack({
      stateDir: stateDir(),
      parts: ['redis', 'postgres', 'kafka'],
      env,
    }).catch((error: unknown) => error)
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
    expect(existsSync(join(stateDir(), 'data/dev'))).toBe(false)
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
    const stack = await startStack({ stateDir: stateDir(), env, fresh: true, say: line => said.push(line) })
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

/** PATH without the folders that hold this program; the tests' own Redis and PostgreSQL are found elsewhere. */
function pathWithout(program: string): string {
  const folders = (process.env.PATH ?? '').split(':')
  return folders.filter(folder => !existsSync(join(folder, program))).join(':')
}

function urlOf(stack: Stack, part: 'redis' | 'postgres' | 'registry'): string {
  return { redis: stack.redisUrl, postgres: stack.databaseUrl, registry: stack.registryUrl }[part]
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
