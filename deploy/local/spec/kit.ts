/** What the specs of the local stack share. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach } from 'vitest'
import { type Part, type Stack, type StackOptions, startStack } from '../src/index.js'
import { wipePostgresHome } from '../src/postgresHome.js'
import { bare, CACHE } from './environment.js'

export { bare, CACHE }

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

export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url)
  try {
    await client.connect()
    return (await client.query(sql)).rows as Record<string, unknown>[]
  } finally {
    await client.end().catch(() => undefined)
  }
}
