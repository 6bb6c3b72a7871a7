import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { outage } from '@unwind/runtime/conformance'
import { afterAll, test } from 'vitest'
import { startStack } from '../../../deploy/local/src/index.js'
import { kafkajsHarness } from './harness.js'

const OUTAGE_MS = 8_000

if (process.env.KAFKA_BROKERS === undefined) await withOwnBroker()
else
  test.skip('an outage of all brokers: KAFKA_BROKERS names brokers that are not ours to kill', () =>
    undefined)

/** Killing the shared broker would fail whoever else is testing. */
async function withOwnBroker(): Promise<void> {
  const stateDir = fileURLToPath(new URL('../../../.unwind', import.meta.url))
  const name = `kafka-outage-${process.pid}`
  const stack = await startStack({
    stateDir,
    name,
    parts: ['kafka'],
    fresh: true,
  })
  afterAll(async () => {
    await stack.stop()
    rmSync(join(stateDir, 'data', name), { recursive: true, force: true })
  })
  const harness = {
    ...kafkajsHarness(stack.brokers),
    async killBrokers() {
      await Promise.all(stack.nodes.map(node => node.kill()))
    },
    async startBrokers() {
      await Promise.all(stack.nodes.map(node => node.start()))
    },
  }
  outage(harness, OUTAGE_MS, line => console.error(line))
}
