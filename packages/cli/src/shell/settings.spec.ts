import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { beforeEach, expect, test } from 'vitest'
import { memoryIo } from '../testing/memory-io.js'
import { Cli } from './cli.js'
import { devStatePath, readDevState, removeDevState, writeDevState } from './dev-state.js'
import { apiOption, kafkaOption } from './options.js'
import { environmentFor, settingsOf } from './settings.js'

let cwd: string
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'unwind-settings-'))
})

const state = {
  name: 'dev',
  pid: process.pid,
  startedAt: 1,
  env: { KAFKA_BROKERS: 'dev-1:1,dev-2:2', SCHEMA_REGISTRY_URL: 'http://dev:1', REDIS_URL: 'redis://dev:1' },
  apiUrl: 'http://dev:7300',
  keys: { 'client:dev': '/keys/client.jwk' },
  trustFile: '/keys/trust.json',
}

async function settings(words: readonly string[], env: Record<string, string> = {}) {
  const cli = new Cli(memoryIo({ cwd, env }))
  const verb = new Command('verb').addOption(kafkaOption()).addOption(apiOption())
  const program = new Command().option('--config <file>').option('--env <name>', '', 'dev').addCommand(verb)
  await program.parseAsync(['verb', ...words], { from: 'user' })
  return { cli, found: await settingsOf(cli, verb) }
}

test('an option wins over the environment, that over the file, that over a running dev environment', async () => {
  writeDevState(devStatePath(cwd, 'dev'), state)
  writeFileSync(
    join(cwd, 'c.yaml'),
    'kafka: {brokers: ["file:1"]}\nregistry: {url: "http://file:1"}\napi: {url: "http://file:2"}\n',
  )
  const env = { KAFKA_BROKERS: 'env:1', SCHEMA_REGISTRY_URL: 'http://env:1' }
  const all = (await settings(['--kafka', 'option:1,option:2', '--config', 'c.yaml'], env)).found
  expect([all.brokers, all.registryUrl, all.apiUrl, all.redisUrl]).toEqual([
    ['option:1', 'option:2'],
    'http://env:1',
    'http://file:2',
    'redis://dev:1',
  ])
  const dev = (await settings([])).found
  expect([dev.brokers, dev.apiUrl, dev.trustFile]).toEqual([
    ['dev-1:1', 'dev-2:2'],
    'http://dev:7300',
    '/keys/trust.json',
  ])
})

test('without anything said only the coordinator has a default place', async () => {
  const { found } = await settings([])
  expect([
    found.brokers,
    found.registryUrl,
    found.redisUrl,
    found.apiUrl,
    found.prefix,
    found.partitions,
  ]).toEqual([null, null, null, 'http://127.0.0.1:7300', 'unwind', 12])
})

test('a process of ours gets what the dev environment says only where nothing else says it', async () => {
  writeDevState(devStatePath(cwd, 'dev'), state)
  const { cli, found } = await settings([], { UNWIND_REGISTRY_URL: 'http://env:1', OTHER: 'x' })
  const { KAFKA_BROKERS, SCHEMA_REGISTRY_URL, UNWIND_REGISTRY_URL, OTHER } = environmentFor(cli, found)
  expect({ KAFKA_BROKERS, SCHEMA_REGISTRY_URL, UNWIND_REGISTRY_URL, OTHER }).toEqual({
    KAFKA_BROKERS: 'dev-1:1,dev-2:2',
    SCHEMA_REGISTRY_URL: undefined,
    UNWIND_REGISTRY_URL: 'http://env:1',
    OTHER: 'x',
  })
})

test('a dev environment whose process is gone is as good as none; a file that it did not write is an error', () => {
  const path = devStatePath(cwd, 'dev')
  expect(readDevState(path)).toBeNull()
  writeDevState(path, state)
  expect(readDevState(path)).toEqual(state)
  // No process has this ID: it is above what the kernel hands out.
  writeDevState(path, { ...state, pid: 2 ** 30 })
  expect(readDevState(path)).toBeNull()
  writeFileSync(path, '{"pid": "x"}')
  expect(() => readDevState(path)).toThrow(`${path} is not what "unwind dev" writes.`)
  removeDevState(path)
  removeDevState(path)
  expect(readDevState(path)).toBeNull()
})
