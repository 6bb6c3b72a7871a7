import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AclOperation, type AclRule, contractSchema } from '@unwind/contracts'
import { connectKafkajs, type EventLog } from '@unwind/runtime'
import type { Adapter, StepWork } from '@unwind/sidecar'
import { createKafkaAdapter } from '@unwind/sidecar/kafka'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { type Stack, startStack } from '../../../deploy/local/src/index.js'
import { open } from './harness.js'

const TOPIC = 'orders.reversals'
const quiet = () => undefined
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }

if (process.env.KAFKA_BROKERS === undefined) withOwnBroker()
else test.skip('permissions: KAFKA_BROKERS names brokers whose users are not ours to make', () => undefined)

/** A broker that asks for TLS and a password, and denies what nobody allowed. */
function withOwnBroker(): void {
  const stateDir = fileURLToPath(new URL('../../../.unwind', import.meta.url))
  const name = `kafka-access-${process.pid}`
  const adapters: Adapter[] = []
  let stack: Stack
  let admin: EventLog

  beforeAll(async () => {
    stack = await startStack({
      stateDir,
      name,
      parts: ['kafka'],
      fresh: true,
      kafkaUsers: ['reader', 'writer', 'stranger'],
    })
    admin = connectKafkajs({
      brokers: stack.brokers,
      clientId: 'admin',
      logger: silent,
      ssl: { ca: readFileSync(stack.kafkaSecurity!.caFile) },
      sasl: { mechanism: 'scram-sha-512', username: 'admin', password: passwordOf('admin') },
    })
    const granting = await admin.admin()
    await granting.applyTopics([{ topic: TOPIC, partitions: 1, config: {} }])
    // Read and Write bring Describe with them.
    const rule = (user: string, operation: AclOperation): AclRule => ({
      principal: `User:${user}`,
      resource: 'topic',
      name: TOPIC,
      pattern: 'literal',
      operation,
    })
    await granting.applyAcls([rule('reader', 'Read'), rule('writer', 'Read'), rule('writer', 'Write')])
    await granting.close()
  }, 120_000)
  afterAll(async () => {
    await Promise.all(adapters.map(adapter => adapter.stop()))
    await admin?.close()
    await stack?.stop()
    rmSync(join(stateDir, 'data', name), { recursive: true, force: true })
  })

  const passwordOf = (user: string) => stack.kafkaSecurity!.passwords[user]!

  function adapterAs(username: string): Adapter {
    const contract = contractSchema.parse({
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system: 'orders',
      version: '1.0.0',
      owner: { team: 'orders', contact: 'orders@example.test' },
      success: 'reversed',
      adapter: {
        kind: 'kafka',
        brokers: [...stack.brokers],
        ssl: { caFile: stack.kafkaSecurity!.caFile },
        sasl: { mechanism: 'scram-sha-512', username, password: passwordOf(username) },
        within: '200ms',
      },
      actions: { placed: { undo: { topic: TOPIC, key: '{id}', value: { of: '{id}' } } } },
    })
    const adapter = createKafkaAdapter({
      contract,
      actionContract: action => contract.actions[action],
      log: silent,
      failpoint: async () => undefined,
    })
    adapters.push(adapter)
    return adapter
  }

  const work = (id: string): StepWork => ({
    rollbackId: `rb-${id}`,
    correlationId: `order-${id}`,
    stepId: 'orders',
    key: `rb-${id}/orders`,
    actions: [{ actionId: `orders:${id}`, action: 'placed', resource: null, data: JSON.stringify({ id }) }],
    resolution: null,
    traceparent: null,
  })

  describe('a cluster with TLS, passwords and permissions', () => {
    it('is used by who may read, write and describe the topic', async () => {
      const adapter = adapterAs('writer')
      await adapter.start()
      expect(await adapter.undo(work('1'), open)).toMatchObject({ kind: 'applied', before: false })
      expect(await adapter.probe(work('1'), open)).toMatchObject({ kind: 'seen', restored: 1, expected: 1 })
    })

    it('who may not write is told what to grant, and nothing was done', async () => {
      const adapter = adapterAs('reader')
      await adapter.start()
      expect(await adapter.undo(work('2'), open)).toMatchObject({
        kind: 'failed',
        code: 'unauthorised',
        message: expect.stringContaining('TOPIC_AUTHORIZATION_FAILED'),
        hint: expect.stringContaining('READ, WRITE and DESCRIBE'),
      })
      expect(await adapter.probe(work('2'), open)).toMatchObject({ kind: 'seen', restored: 0 })
    })

    it('who may not even see the topic is told at the start', async () => {
      await expect(adapterAs('stranger').start()).rejects.toThrow(
        /TOPIC_AUTHORIZATION_FAILED.*Grant the user of adapter\.sasl READ, WRITE and DESCRIBE/s,
      )
    })
  })
}
