import { createRedisCapture, type RedisCapture, type RedisCommand } from '@unwind/client/redis'
import { contractSchema, type PlannedAction } from '@unwind/contracts'
import type { Adapter, ProbeResult, StepWork, UndoResult } from '@unwind/sidecar'
import { createRedisAdapter } from '@unwind/sidecar/redis'
import { expect } from 'vitest'
import type { RedisServer } from './redis-server.js'

export const open: AbortSignal = new AbortController().signal
const quiet = () => undefined

export interface ContractParts {
  readonly adapter?: object
  readonly undo?: object
  readonly action?: object
}

/** A contract with one action, "cart.changed". */
export function contractOf(url: string, parts: ContractParts = {}) {
  return contractSchema.parse({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system: 'carts',
    version: '1.0.0',
    owner: { team: 'carts', contact: 'carts@example.test' },
    success: 'Every key is as it was.',
    adapter: { kind: 'redis', url, ...parts.adapter },
    actions: { 'cart.changed': { ...(parts.undo ? { undo: parts.undo } : {}), ...parts.action } },
  })
}

export function adapterFor(url: string, parts: ContractParts = {}): Adapter {
  const contract = contractOf(url, parts)
  return createRedisAdapter({
    contract,
    actionContract: name => contract.actions[name],
    log: { info: quiet, warn: quiet, error: quiet },
    failpoint: async () => undefined,
  })
}

let count = 0
/** A correlation ID that nobody has used. */
export const fresh = () => `order-${process.pid}-${++count}`

export function workOn(
  correlationId: string,
  actions: readonly PlannedAction[],
  over: Partial<StepWork> = {},
): StepWork {
  const rollbackId = `rb-${correlationId}`
  return {
    rollbackId,
    correlationId,
    stepId: 'carts',
    key: `${rollbackId}/carts`,
    actions,
    resolution: null,
    traceparent: null,
    ...over,
  }
}

/** One application with capture, and one adapter, on one server. */
export class Shop {
  readonly capture: RedisCapture
  readonly adapters: Adapter[] = []

  constructor(
    readonly server: RedisServer,
    readonly parts: ContractParts = {},
  ) {
    this.capture = createRedisCapture(server.admin, { system: 'carts' })
  }

  adapter(parts: ContractParts = this.parts): Adapter {
    const made = adapterFor(this.server.url, parts)
    this.adapters.push(made)
    return made
  }

  act(correlationId: string, ...commands: RedisCommand[]) {
    return this.capture.write({ correlationId, action: 'cart.changed' }, commands)
  }

  /** The step that undoes all that the target knows under this ID, as a plan has it: the last one first. */
  async work(adapter: Adapter, correlationId: string, over: Partial<StepWork> = {}): Promise<StepWork> {
    const [report] = await adapter.fence([{ correlationId, rollbackId: `rb-${correlationId}` }], open)
    if (report?.kind !== 'fenced') throw new Error(JSON.stringify(report))
    const actions = report.found.map(({ actionId, action, resource, data }) => ({
      actionId,
      action,
      resource,
      data,
    }))
    return workOn(correlationId, actions.reverse(), over)
  }

  /** What is in these keys, with type and TTL, read by plain commands. */
  async image(...keys: string[]): Promise<unknown[]> {
    return Promise.all(keys.map(key => this.#one(key)))
  }

  async #one(key: string): Promise<unknown> {
    const { admin } = this.server
    const kind = await admin.type(key)
    const ttl = await admin.pttl(key)
    const value = await {
      none: async () => null,
      string: () => admin.getBuffer(key).then(bytes => bytes?.toString('base64')),
      hash: () => admin.hgetall(key),
      set: async () => (await admin.smembers(key)).sort(),
      zset: () => admin.zrange(key, '0', '-1', 'WITHSCORES'),
      list: () => admin.lrange(key, 0, -1),
      stream: () => admin.xrange(key, '-', '+'),
    }[kind as 'none']()
    return { kind, value, ttl: ttl < 0 ? ttl : 'some' }
  }

  async stop(): Promise<void> {
    await Promise.all(this.adapters.splice(0).map(adapter => adapter.stop()))
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
