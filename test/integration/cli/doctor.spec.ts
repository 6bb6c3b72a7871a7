import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKey, writeSigningKey, writeTrustFile } from '@unwind/runtime'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { World } from '../../support/world.js'
import { unwind } from './unwind.js'

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly detail: string
  readonly todo: string | null
}

let world: World
const cwd = mkdtempSync(join(tmpdir(), 'unwind-doctor-'))
const keyFile = join(cwd, 'key.jwk')

beforeAll(async () => {
  world = await World.open(3)
  const { privateKey, publicKey } = generateKey('coordinator:test', ['coordinator'])
  writeSigningKey(keyFile, privateKey)
  writeTrustFile(join(cwd, 'trust.json'), [publicKey])
})
afterAll(() => world.close())

function environment(over: Record<string, string> = {}): Record<string, string> {
  const { brokers, registryUrl, redisUrl, databaseUrl } = inject('stack')
  return {
    KAFKA_BROKERS: brokers.join(','),
    SCHEMA_REGISTRY_URL: registryUrl,
    REDIS_URL: redisUrl,
    DATABASE_URL: databaseUrl,
    UNWIND_TOPICS_PREFIX: world.topics.rollback.replace(/\.rollback$/, ''),
    UNWIND_TOPICS_PARTITIONS: '3',
    UNWIND_SIGNING_KEY_FILE: keyFile,
    UNWIND_SIGNING_TRUST_FILE: join(cwd, 'trust.json'),
    // Nothing listens there: the unwind works without a coordinator, so that is a warning.
    UNWIND_API_URL: 'http://127.0.0.1:1',
    ...over,
  }
}

async function doctor(over: Record<string, string> = {}) {
  const { code, out } = await unwind(['doctor', '-o', 'json'], { cwd, env: environment(over) })
  const findings = JSON.parse(out) as readonly Finding[]
  const of = (state: Finding['state']) => findings.filter(one => one.state === state)
  return { code, findings, fails: of('fail').map(one => one.check), warns: of('warn').map(one => one.check) }
}

test('a stack that is as it should be passes, and the absence of a coordinator is only a warning', async () => {
  const { code, fails, warns, findings } = await doctor()
  expect([code, fails, warns]).toEqual([0, [], ['coordinator']])
  const topic = findings.find(one => one.check === `topic ${world.topics.rollback}`)
  expect(topic?.detail).toBe('3 partitions')
  expect(findings.find(one => one.check === 'key coordinator:test')?.detail).toBe(keyFile)
  // A password is nobody's business who looks over the shoulder.
  expect(JSON.stringify(findings)).not.toContain(new URL(inject('stack').databaseUrl).password || '\u0000')
})

test('closed ports fail within seconds, each with what to do, and exit 5', async () => {
  const began = performance.now()
  const { code, fails, findings } = await doctor({
    KAFKA_BROKERS: '127.0.0.1:1',
    SCHEMA_REGISTRY_URL: 'http://127.0.0.1:2',
    REDIS_URL: 'redis://127.0.0.1:3',
    DATABASE_URL: 'postgres://unwind:geheim@127.0.0.1:4/postgres',
  })
  expect([code, fails]).toEqual([5, ['kafka', 'registry', 'redis', 'postgres']])
  for (const one of findings)
    if (one.state === 'fail') expect(one.todo).toMatch(/^Start it, or correct [A-Z_]+\.$/)
  expect(JSON.stringify(findings)).not.toContain('geheim')
  expect(performance.now() - began).toBeLessThan(10_000)
})

test('missing topics, other partitions and missing schemas are told apart', async () => {
  const prefix = world.topics.rollback.replace(/\.rollback$/, '')
  const other = await doctor({ UNWIND_TOPICS_PARTITIONS: '5' })
  expect([other.code, other.fails, other.warns.filter(check => check.startsWith('topic'))]).toEqual([
    0,
    [],
    ['actions', 'rollback', 'dead-letter', 'checkpoints'].map(name => `topic ${prefix}.${name}`),
  ])
  const none = await doctor({ UNWIND_TOPICS_PREFIX: `${prefix}-none` })
  expect([none.code, none.fails]).toEqual([
    5,
    [
      ...['actions', 'rollback', 'contracts', 'dead-letter', 'checkpoints'].map(
        name => `topic ${prefix}-none.${name}`,
      ),
      'schemas',
    ],
  ])
  expect(none.findings.find(one => one.check === 'schemas')?.todo).toBe('Run "unwind schemas apply".')
})

test('a private key that others can read, and one that nobody trusts, fail', async () => {
  chmodSync(keyFile, 0o644)
  const readable = await doctor()
  expect([readable.code, readable.fails]).toEqual([5, ['signing key']])
  expect(readable.findings.find(one => one.check === 'signing key')?.detail).toContain(`chmod 600 ${keyFile}`)
  chmodSync(keyFile, 0o600)
  writeTrustFile(join(cwd, 'empty.json'), [])
  const unknown = await doctor({ UNWIND_SIGNING_TRUST_FILE: join(cwd, 'empty.json') })
  expect([unknown.code, unknown.fails]).toEqual([5, ['key coordinator:test']])
})
