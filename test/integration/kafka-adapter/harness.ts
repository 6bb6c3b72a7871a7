import { randomBytes } from 'node:crypto'
import { contractSchema, type PlannedAction } from '@unwind/contracts'
import type { EventLog, LogProducer } from '@unwind/runtime'
import type { Adapter, ProbeResult, StepWork, UndoResult } from '@unwind/sidecar'
import { createKafkaAdapter } from '@unwind/sidecar/kafka'
import { expect } from 'vitest'
import { allOf, connectQuietly } from './topic-reader.js'

export const open: AbortSignal = new AbortController().signal
const quiet = () => undefined

export interface ContractParts {
  readonly adapter?: object
  readonly undo?: object
  readonly action?: object
}

export type Failpoint = (name: string) => Promise<void>

/** Topics of a test's own, an owner who writes to them, and adapters. */
export class Room {
  readonly events: string
  readonly profiles: string
  readonly claims: string
  readonly log: EventLog
  readonly #adapters: Adapter[] = []
  #producer: LogProducer | undefined
  #count = 0

  constructor(readonly brokers: readonly string[]) {
    const name = `k${randomBytes(4).toString('hex')}`
    this.events = `${name}.events`
    this.profiles = `${name}.profiles`
    this.claims = `${name}.claims`
    this.log = connectQuietly(brokers)
  }

  async open(): Promise<this> {
    const admin = await this.log.admin()
    await admin.applyTopics([
      { topic: this.events, partitions: 3, config: { 'max.message.bytes': '20000' } },
      { topic: this.profiles, partitions: 3, config: { 'cleanup.policy': 'compact' } },
      { topic: this.claims, partitions: 1, config: { 'message.timestamp.type': 'LogAppendTime' } },
    ])
    await admin.close()
    this.#producer = await this.log.producer()
    return this
  }

  contract(parts: ContractParts = {}) {
    return contractSchema.parse({
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system: 'orders',
      version: '1.0.0',
      owner: { team: 'orders', contact: 'orders@example.test' },
      success: 'Every event is reversed once.',
      adapter: { kind: 'kafka', brokers: [...this.brokers], within: '300ms', ...parts.adapter },
      actions: {
        'order.placed': {
          undo: { topic: this.events, key: '{orderId}', value: { cancelled: '{orderId}' }, ...parts.undo },
          ...parts.action,
        },
        'profile.changed': {
          undo: {
            topic: this.profiles,
            key: '{key}',
            value: '{previous}',
            encoding: 'text',
            replaces: { partition: '{partition}', offset: '{offset}', at: '{at}', value: '{written}' },
          },
          ...parts.action,
        },
      },
    })
  }

  async adapter(parts: ContractParts = {}, failpoint: Failpoint = async () => undefined): Promise<Adapter> {
    const contract = this.contract(parts)
    const adapter = createKafkaAdapter({
      contract,
      actionContract: name => contract.actions[name],
      log: { info: quiet, warn: quiet, error: quiet },
      failpoint,
    })
    this.#adapters.push(adapter)
    await adapter.start()
    return adapter
  }

  write(topic: string, key: string, value: string | null, headers: Record<string, string> = {}) {
    const bytes = value === null ? null : Buffer.from(value)
    return this.#producer!.publish({ topic, key, value: bytes, headers })
  }

  /** The owner's service changes a profile, and records where its record lies. */
  async change(key: string, previous: string | null, written: string | null): Promise<PlannedAction> {
    const at = Date.now()
    const { partition, offset } = await this.write(this.profiles, key, written)
    return this.planned('profile.changed', {
      key,
      partition,
      offset: String(offset),
      at,
      previous,
      written,
    })
  }

  planned(action: string, data: object): PlannedAction {
    return { actionId: `orders:${++this.#count}`, action, resource: null, data: JSON.stringify(data) }
  }

  work(actions: readonly PlannedAction[], over: Partial<StepWork> = {}): StepWork {
    const rollbackId = `rb-${++this.#count}`
    return {
      rollbackId,
      correlationId: `order-${this.#count}`,
      stepId: 'orders',
      key: `${rollbackId}/orders`,
      actions,
      resolution: null,
      traceparent: null,
      ...over,
    }
  }

  /** All records of a key, oldest first, as text. */
  async values(topic: string, key: string): Promise<(string | null)[]> {
    const records = await allOf(this.log, topic)
    return records.filter(record => record.key === key).map(({ value }) => value?.toString('utf8') ?? null)
  }

  async close(): Promise<void> {
    await Promise.all(this.#adapters.splice(0).map(adapter => adapter.stop()))
    await this.log.close()
  }
}

export function applied(result: UndoResult): Extract<UndoResult, { kind: 'applied' }> {
  expect(result).toMatchObject({ kind: 'applied' })
  return result as Extract<UndoResult, { kind: 'applied' }>
}

export function seen(result: ProbeResult): Extract<ProbeResult, { kind: 'seen' }> {
  expect(result).toMatchObject({ kind: 'seen' })
  return result as Extract<ProbeResult, { kind: 'seen' }>
}
