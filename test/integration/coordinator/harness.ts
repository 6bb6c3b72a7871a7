import { randomBytes } from 'node:crypto'
import type { ActionRecorded, LedgerEvent } from '@unwind/contracts'
import { type CoordinatorOptions, type CoordinatorService, createCoordinator } from '@unwind/coordinator'
import { type EventSender, generateKey, type Role, type SigningKey, signingKey } from '@unwind/runtime'
import type { LoadedContract } from '@unwind/sidecar'
import { Redis } from 'ioredis'
import { inject } from 'vitest'
import { WITHIN_MS } from '../../support/patience.js'
import { loaded, silent, World } from '../../support/world.js'

/** A world with contracts, recorders and coordinators. */
export class Scene {
  readonly prefix = `c${randomBytes(4).toString('hex')}`
  readonly #senders = new Map<string, EventSender>()
  readonly #keys = new Map<string, SigningKey>()
  #n = 0

  private constructor(readonly world: World) {}

  static async open(systems: readonly string[], partitions = 3): Promise<Scene> {
    const scene = new Scene(await World.open(partitions))
    scene.#keys.set('client', scene.world.key('service:shop', ['client']))
    scene.#keys.set('ana', scene.world.key('user:ana', ['approver', 'operator']))
    for (const system of systems)
      scene.#keys.set(system, scene.world.key(`sidecar:${system}`, ['sidecar'], [system]))
    return scene
  }

  get redisUrl(): string {
    return inject('stack').redisUrl
  }

  addKey(name: string, roles: readonly Role[]): void {
    this.#keys.set(name, this.world.key(name, roles))
  }

  key(name: string): SigningKey {
    return this.#keys.get(name)!
  }

  async as(name: string): Promise<EventSender> {
    const known = this.#senders.get(name)
    if (known) return known
    const sender = await this.world.sender(this.key(name))
    this.#senders.set(name, sender)
    return sender
  }

  /** Writes well-formed events with a key that nobody trusts. */
  async impostor(principal = 'service:shop'): Promise<EventSender> {
    return this.world.sender(signingKey(generateKey(principal, ['client']).privateKey))
  }

  /** A fresh correlation ID. */
  order(): string {
    return `order-${this.prefix}-${++this.#n}`
  }

  async publish(contract: LoadedContract): Promise<void> {
    const { system, version } = contract.contract
    const sender = await this.as(system)
    const { document, hash } = contract
    const data = {
      system,
      occurredAt: Date.now(),
      emitter: this.key(system).principal,
      version,
      document,
      hash,
    }
    await sender.send({ type: 'ContractPublished', data: { ...data, eventId: `contract/${system}/${hash}` } })
  }

  /** @returns the action's ID. */
  async record(correlationId: string, system: string, over: Partial<ActionRecorded> = {}): Promise<string> {
    const sender = await this.as('client')
    const eventId = over.eventId ?? `${system}:${correlationId}:${++this.#n}`
    await sender.send({
      type: 'ActionRecorded',
      data: {
        eventId,
        correlationId,
        system,
        action: `${system}.done`,
        resource: null,
        occurredAt: Date.now(),
        emitter: this.key('client').principal,
        causationId: null,
        data: '{"id":"1"}',
        items: 1,
        digest: null,
        ...over,
      },
    })
    return eventId
  }

  async propose(correlationId: string, over: object = {}): Promise<string> {
    const rollbackId = `rb-${this.prefix}-${++this.#n}`
    const sender = await this.as('client')
    await sender.send({
      type: 'RollbackProposed',
      data: {
        eventId: `${rollbackId}/proposed`,
        correlationId,
        rollbackId,
        occurredAt: Date.now(),
        emitter: this.key('client').principal,
        causationId: null,
        systems: [],
        reason: 'it failed half-way',
        incidentClass: null,
        release: null,
        trigger: 'service',
        proposedBy: this.key('client').principal,
        supplements: null,
        part: null,
        ...over,
      },
    })
    return rollbackId
  }

  /** What a sidecar says when it has restored a step. */
  async completed(
    rollbackId: string,
    correlationId: string,
    stepId: string,
    over: object = {},
  ): Promise<void> {
    const system = stepId.split('~')[0]!
    const sender = await this.as(system)
    await sender.send({
      type: 'CompensationCompleted',
      data: {
        ...this.about(rollbackId, correlationId, system),
        eventId: `${rollbackId}/${stepId}/completed/0`,
        stepId,
        round: 0,
        attempt: 1,
        outcome: 'undone',
        restored: 1,
        expected: 1,
        fromDigest: null,
        toDigest: null,
        probe: 'test',
        durationMs: 1,
        notes: [],
        ...over,
      },
    })
  }

  about(rollbackId: string, correlationId: string, system: string) {
    return {
      rollbackId,
      correlationId,
      occurredAt: Date.now(),
      emitter: this.key(system).principal,
      causationId: null,
      system,
    }
  }

  async coordinator(
    name = 'coordinator:one',
    over: Partial<CoordinatorOptions> = {},
  ): Promise<CoordinatorService> {
    const key = this.#keys.get(name) ?? this.world.key(name, ['coordinator'])
    this.#keys.set(name, key)
    const { log, registry, topics } = this.world
    const service = createCoordinator({
      log,
      registry,
      topics,
      key,
      trust: this.world.trust(),
      view: { url: inject('stack').redisUrl, prefix: this.prefix },
      api: { port: 0 },
      logger: process.env.LOUD ? loud : silent,
      onFatal: error => {
        throw error
      },
      ...over,
    })
    await service.start()
    this.world.onClose(() => service.stop())
    return service
  }

  /** The first event of a type of a rollback. */
  async first<T extends LedgerEvent['type']>(rollbackId: string, type: T, timeoutMs?: number) {
    const ledger = await this.world.until(
      `${type} of ${rollbackId}`,
      events => events.some(e => e.type === type && e.data.rollbackId === rollbackId),
      timeoutMs,
    )
    return ledger.find(e => e.type === type && e.data.rollbackId === rollbackId) as Extract<
      LedgerEvent,
      { type: T }
    >
  }
}

const say = (level: string) => (fields: object, message: string) =>
  console.error(
    level,
    message,
    JSON.stringify(fields, (_, v) => (v instanceof Error ? v.stack : v)),
  )
const loud = { debug() {}, info: say('info'), warn: say('warn'), error: say('error') }

export function contractOf(
  system: string,
  dependsOn: readonly string[] = [],
  over: object = {},
): LoadedContract {
  return loaded({
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system,
    version: '1.0.0',
    owner: { team: `${system} team`, contact: `${system}@example.com` },
    success: 'as before',
    dependsOn: [...dependsOn],
    adapter: { kind: 'memory' },
    actions: { [`${system}.done`]: {} },
    ...over,
  })
}

/** A client of the stack's Redis, behind everybody's back. */
export function redisOf(): Redis {
  return new Redis(inject('stack').redisUrl)
}

/** Asks until the answer is as it should be. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  withinMs = WITHIN_MS,
): Promise<T> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (holds(answer)) return answer
    if (Date.now() > deadline)
      throw new Error(`${what}: still not after ${withinMs} ms: ${JSON.stringify(answer)}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
