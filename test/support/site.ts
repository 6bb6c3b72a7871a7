import { type ApiClient, type Client, createApiClient, createClient } from '@unwind/client'
import type { ActionEvent, LedgerEvent } from '@unwind/contracts'
import { type CoordinatorOptions, type CoordinatorService, createCoordinator } from '@unwind/coordinator'
import { createEventOpener, type IncomingRecord, type SigningKey } from '@unwind/runtime'
import {
  ADAPTERS,
  type AdapterFactory,
  createSidecar,
  type LoadedContract,
  type Sidecar,
} from '@unwind/sidecar'
import { installCapture, parsePostgresOptions } from '@unwind/sidecar/postgres'
import { inject } from 'vitest'
import { TestDatabase } from './database.js'
import { LogTail } from './log-tail.js'
import { Tail } from './tail.js'
import { type KafkaAccess, loaded, World } from './world.js'

/** A whole small company on the real stack: databases, contracts, sidecars, a coordinator, clients, and eyes on every topic. */
export class Site {
  readonly actions = new Tail<ActionEvent>('the actions topic', e => `${e.type} ${e.data.eventId}`)
  readonly deadLetters = new Tail<IncomingRecord>('the dead-letter topic', r => JSON.stringify(r.headers))
  readonly log = new LogTail()
  readonly prefix: string
  readonly #keys = new Map<string, SigningKey>()
  #n = 0

  private constructor(
    readonly world: World,
    private readonly clientAccess: KafkaAccess,
  ) {
    this.prefix = world.topics.rollback.slice(0, -'.rollback'.length)
  }

  /**
   * @param systems whose sidecars' keys are trusted.
   * @param kafka where Kafka asks who comes: access of the eyes of this test, and of the clients. Default: the shared stack's.
   */
  static async open(
    systems: readonly string[],
    partitions = 3,
    kafka?: { readonly eyes: KafkaAccess; readonly client: KafkaAccess },
  ): Promise<Site> {
    const site = new Site(
      await World.open(partitions, kafka?.eyes),
      kafka?.client ?? { brokers: inject('stack').brokers },
    )
    const keyOf = (principal: string, ...rest: [Parameters<World['key']>[1], string[]?]) =>
      site.#keys.set(principal, site.world.key(principal, ...rest))
    keyOf('coordinator:one', ['coordinator'])
    keyOf('service:shop', ['client'])
    for (const system of systems) keyOf(`sidecar:${system}`, ['sidecar'], [system])
    await site.#watch()
    return site
  }

  key(principal: string): SigningKey {
    return this.#keys.get(principal)!
  }

  close(): Promise<void> {
    return this.world.close()
  }

  /** A correlation ID that nobody has used. */
  order(): string {
    return `order-${this.prefix}-${++this.#n}`
  }

  async database(name: string, ...schema: string[]): Promise<TestDatabase> {
    const database = await TestDatabase.create(
      inject('stack').databaseUrl,
      `${this.prefix}_${name}`,
      ...schema,
    )
    this.world.onClose(() => database.drop())
    return database
  }

  async install(contract: LoadedContract, database: TestDatabase): Promise<void> {
    const { system } = contract.contract
    await database.lend(client => installCapture(client, parsePostgresOptions(contract.contract), system))
  }

  /** The library with which a service records and proposes. */
  async client(system: string): Promise<Client> {
    const { registryUrl } = inject('stack')
    const key = this.key('service:shop')
    const client = await createClient({
      ...this.clientAccess,
      registryUrl,
      system,
      key,
      topicPrefix: this.prefix,
    })
    this.world.onClose(() => client.close())
    return client
  }

  async sidecar(
    contract: LoadedContract,
    adapters: Readonly<Record<string, AdapterFactory>> = ADAPTERS,
  ): Promise<Sidecar> {
    const parts = this.world.parts(this.key(`sidecar:${contract.contract.system}`))
    const sidecar = createSidecar({ ...parts, contract, adapters, logger: this.log.logger })
    await sidecar.start()
    this.world.onClose(() => sidecar.stop())
    return sidecar
  }

  async coordinator(
    over: Partial<CoordinatorOptions> = {},
  ): Promise<{ readonly service: CoordinatorService; readonly api: ApiClient }> {
    const { log, registry, topics } = this.world
    const service = createCoordinator({
      log,
      registry,
      topics,
      key: this.key('coordinator:one'),
      trust: this.world.trust(),
      view: { url: inject('stack').redisUrl, prefix: this.prefix },
      api: { port: 0 },
      logger: this.log.logger,
      onFatal: error => {
        throw error
      },
      ...over,
    })
    await service.start()
    this.world.onClose(() => service.stop())
    return { service, api: createApiClient({ url: service.apiUrl! }) }
  }

  /** Resolves when the actions topic holds so many actions of a correlation ID. */
  async recorded(correlationId: string, count: number): Promise<void> {
    await this.actions.until(
      `${count} actions of ${correlationId}`,
      all =>
        new Set(all.filter(e => e.data.correlationId === correlationId).map(e => e.data.eventId)).size >=
        count,
    )
  }

  /** The end of a rollback: of its latest revision, if several ended. */
  async closed(
    rollbackId: string,
    timeoutMs?: number,
  ): Promise<Extract<LedgerEvent, { type: 'RollbackClosed' }>['data']> {
    return (await this.nth(rollbackId, 'RollbackClosed', 1, timeoutMs)).data
  }

  /** The n-th event of a type of a rollback, from 1. */
  async nth<T extends LedgerEvent['type']>(rollbackId: string, type: T, n: number, timeoutMs?: number) {
    const matching = (all: readonly LedgerEvent[]) =>
      all.filter(e => e.type === type && e.data.rollbackId === rollbackId)
    const ledger = await this.world.until(
      `${type} number ${n} of ${rollbackId}`,
      all => matching(all).length >= n,
      timeoutMs,
    )
    return matching(ledger)[n - 1] as Extract<LedgerEvent, { type: T }>
  }

  /** What the ledger says of a rollback, as IDs relative to it: "orders/started/0.1". */
  story(rollbackId: string): string[] {
    return this.world.of(rollbackId).map(e => e.data.eventId.slice(rollbackId.length + 1))
  }

  async #watch(): Promise<void> {
    const { log, topics, registry } = this.world
    const opener = createEventOpener({ registry })
    const onFatal = (error: Error) => {
      throw error
    }
    const reader = log.reader({
      topics: [topics.actions, topics.deadLetter],
      from: 'start',
      onFatal,
      onRecords: records => {
        for (const record of records) {
          if (record.topic === topics.deadLetter) {
            this.deadLetters.push({ ...record, value: record.value && Buffer.from(record.value) })
            continue
          }
          const opened = opener.open(record)
          if (!(opened instanceof Promise) && opened.kind === 'event')
            this.actions.push(opened.event as ActionEvent)
        }
      },
    })
    await reader.start()
    this.world.onClose(() => reader.stop())
  }
}

/** The contract of a PostgreSQL database with capture. @param tables the adapter's `capture.tables`. */
export function postgresContract(
  system: string,
  url: string,
  tables: Record<string, object>,
  dependsOn: readonly string[] = [],
) {
  return {
    apiVersion: 'unwind/v1',
    kind: 'Contract',
    system,
    version: '1.0.0',
    owner: { team: `${system} team`, contact: `${system}@example.com` },
    success: 'the rows are as they were',
    dependsOn: [...dependsOn],
    adapter: { kind: 'postgres', url, capture: { tables } },
    actions: { [`${system}.written`]: { retry: { attempts: 8, initial: '100ms', max: '500ms' } } },
  }
}

export { loaded }
