import { readFileSync } from 'node:fs'
import { contractSchema } from '@unwind/contracts'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { compileKafkaContract } from './kafka/target.js'
import { compileRedisContract } from './redis/target.js'

/** The examples of a page, as whole contracts. */
function examplesOf(page: string): Record<string, unknown>[] {
  const text = readFileSync(new URL(`../../../../docs/how-to/${page}`, import.meta.url), 'utf8')
  return [...text.matchAll(/```yaml\n([\s\S]+?)```/g)].map(
    ([, yaml]) => parse(yaml!) as Record<string, unknown>,
  )
}

const rest = {
  apiVersion: 'unwind/v1',
  kind: 'Contract',
  system: 'example',
  version: '1.0.0',
  owner: { team: 'example', contact: 'example@example.test' },
  success: 'as it was',
}

test('the contracts of the page on Redis are what the adapter takes', () => {
  const examples = examplesOf('redis.md')
  expect(examples).toHaveLength(2)
  for (const example of examples) {
    const adapter = { ...(example.adapter as object), url: 'redis://localhost' }
    const replica = 'replica' in adapter ? { replica: 'redis://localhost' } : {}
    const contract = contractSchema.parse({ ...rest, ...example, adapter: { ...adapter, ...replica } })
    expect(compileRedisContract(contract).problems).toEqual([])
  }
})

test('the contracts of the page on Kafka are what the adapter takes', () => {
  const [event, newest] = examplesOf('kafka-events.md') as [Record<string, unknown>, Record<string, unknown>]
  const adapter = { ...(event.adapter as object), brokers: 'localhost:9092' }
  const actions = { ...(event.actions as object), 'profile.changed': newest }
  const contract = contractSchema.parse({ ...rest, adapter, actions })
  expect(compileKafkaContract(contract).problems).toEqual([])
})
