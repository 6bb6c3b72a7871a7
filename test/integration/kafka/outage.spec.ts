import { fileURLToPath } from 'node:url'
import { outage } from '@unwind/runtime/conformance'
import { afterAll } from 'vitest'
import { startStack } from '../../../deploy/local/src/index.js'
import { kafkajsHarness } from './harness.js'

/** Its own broker: killing the shared one would fail whoever else is testing. */
const stack = await startStack({
  stateDir: fileURLToPath(new URL('../../../.unwind', import.meta.url)),
  name: `kafka-outage-${process.pid}`,
  parts: ['kafka'],
  fresh: true,
  env: { ...process.env, KAFKA_BROKERS: undefined },
})
afterAll(() => stack.stop())

outage(
  {
    ...kafkajsHarness(stack.brokers),
    async killBrokers() {
      await Promise.all(stack.nodes.map(node => node.kill()))
    },
    async startBrokers() {
      await Promise.all(stack.nodes.map(node => node.start()))
    },
  },
  8_000,
  line => console.error(line),
)
