import { expect, it } from 'vitest'
import { silentLogger } from '../telemetry/logger.js'
import { kafkaOptions, kafkaSection } from './sections.js'

it('what is configured for Kafka reaches the driver: no key is accepted and then ignored', () => {
  const section = kafkaSection.parse({
    brokers: ['a:1'],
    ssl: {},
    sessionTimeoutMs: 7_000,
    rebalanceTimeoutMs: 8_000,
    deliveryTimeoutMs: 9_000,
  })
  expect(kafkaOptions(section, { clientId: 'test', logger: silentLogger() })).toMatchObject({
    brokers: ['a:1'],
    clientId: 'test',
    sessionTimeoutMs: 7_000,
    rebalanceTimeoutMs: 8_000,
    deliveryTimeoutMs: 9_000,
  })
})
