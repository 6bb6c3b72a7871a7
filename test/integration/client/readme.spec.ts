import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { generateKey, writeSigningKey } from '@unwind/runtime'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { World } from '../../support/world.js'

const page = readFileSync(
  fileURLToPath(new URL('../../../packages/client/README.md', import.meta.url)),
  'utf8',
)
let world: World
let folder: string

beforeAll(async () => {
  world = await World.open()
  // Inside the tree, so that the example's own import is resolved as a reader's would be.
  folder = mkdtempSync(fileURLToPath(new URL('./.example-', import.meta.url)))
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await world?.close()
})

test('the example of the page runs as it stands there', async () => {
  const code = /<!-- example: record -->\n```ts\n([\s\S]*?)```/.exec(page)?.[1]
  if (code === undefined) throw new Error('the page has lost its example')
  const { brokers, registryUrl } = inject('stack')
  const keyFile = join(mkdtempSync(join(tmpdir(), 'unwind-example-')), 'key.json')
  writeSigningKey(keyFile, generateKey('client:loyalty', ['client']).privateKey)
  const prefix = world.topics.actions.replace(/\.actions$/, '')
  const given = { brokers, registryUrl, keyFile }
  const settings = Object.entries(given).map(([name, value]) => `const ${name} = ${JSON.stringify(value)}`)
  const file = join(folder, 'example.ts')
  // The one thing that the page does not need to say: this test's topics have a prefix of their own.
  const body = code.replace('keyFile })', `keyFile, topicPrefix: '${prefix}' })`)
  writeFileSync(file, `${settings.join('\n')}\n${body}\nexport { rollbackId }\n`)
  const { rollbackId } = (await import(pathToFileURL(file).href)) as { rollbackId: string }
  const proposed = await world.event(`${rollbackId}/proposed`)
  expect(proposed.data).toMatchObject({
    correlationId: 'order-1017',
    proposedBy: 'client:loyalty',
    reason: 'the confirmation cannot be sent',
  })
})
