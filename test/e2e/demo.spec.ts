import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, inject, it } from 'vitest'

const BIN = fileURLToPath(new URL('../../packages/cli/bin/unwind.mjs', import.meta.url))
const SEED = 20_262
const cwd = mkdtempSync(join(tmpdir(), 'unwind-demo-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

/** The demo, on servers that run already: the four variables point it at the stack of the tests. */
function demo(): Promise<{ code: number | null; out: string; err: string }> {
  const { brokers, registryUrl, redisUrl, databaseUrl } = inject('stack')
  const child = spawn(process.execPath, [BIN, 'demo', '--orders', '40', '--seed', String(SEED)], {
    cwd,
    env: {
      ...process.env,
      KAFKA_BROKERS: brokers.join(','),
      SCHEMA_REGISTRY_URL: registryUrl,
      REDIS_URL: redisUrl,
      DATABASE_URL: databaseUrl,
      NO_COLOR: '1',
    },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', chunk => {
    out += chunk
  })
  child.stderr.on('data', chunk => {
    err += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code, out, err }))
  })
}

it(`the demo ends green, shows three end states and leaves nothing running (seed ${SEED})`, async () => {
  const { code, out, err } = await demo()
  expect(err).toBe('')
  expect(out).toMatch(/order-1041 {3}failed half-way +RESTORED_VERIFIED +4 .* 1·1·1·1\n/)
  expect(out).toMatch(/order-1042 {3}conflict; user:ana decided +RESTORED_VERIFIED +4 .* 1·1·1·1\n/)
  expect(out).toMatch(/order-1043 {3}sidecar killed by SIGKILL +RESTORED_VERIFIED +4 .* 1·1·1·1\n/)
  expect(out).toContain('43 orders, 36 complete, 7 absent, 0 torn; all totals fit')
  expect(out).toContain('Everything is stopped; no process was left behind.')
  expect(code).toBe(0)
  expect(existsSync(join(cwd, '.unwind', 'demo.json'))).toBe(false)
  const tooWide = out.split('\n').filter(line => line.length > 100 && !line.includes(cwd))
  expect(tooWide).toEqual([])
}, 120_000)
