/** What the specs of the local stack share. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach } from 'vitest'
import { type Part, type Stack, type StackOptions, startStack } from '../src/index.js'
import { wipePostgresHome } from '../src/postgresHome.js'

export const CACHE = fileURLToPath(new URL('../../../.unwind/cache', import.meta.url))

/** A state folder for each test, and stacks that are stopped after it. */
export function useStacks() {
  let folder = ''
  const running: Stack[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'unwind-spec-'))
    chmodSync(folder, 0o755)
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(stack => stack.stop()))
    wipePostgresHome(join(folder, 'data/dev/postgres'))
    rmSync(folder, { recursive: true, force: true })
  })

  return {
    stateDir: () => folder,
    async start(parts: readonly Part[], options: Partial<StackOptions> = {}): Promise<Stack> {
      const stack = await startStack({ stateDir: folder, parts, env: bare(), ...options })
      running.push(stack)
      return stack
    },
  }
}

/** Our environment with the cache of this clone, without the variables that would make a part external. */
export function bare(): NodeJS.ProcessEnv {
  const { KAFKA_BROKERS: _k, SCHEMA_REGISTRY_URL: _s, REDIS_URL: _r, DATABASE_URL: _d, ...rest } = process.env
  return { UNWIND_CACHE_DIR: CACHE, ...rest }
}

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  try {
    await client.connect()
    return (await client.query(sql)).rows as Record<string, unknown>[]
  } finally {
    await client.end().catch(() => undefined)
  }
}
