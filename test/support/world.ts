import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  type Contract,
  canonicalJson,
  contractSchema,
  freezePlan,
  hashText,
  type LedgerEvent,
  type Plan,
  type TopicNames,
  topicNames,
  topicSpecifications,
  type UnwindEvent,
} from '@unwind/contracts'
import {
  applySchemas,
  connectKafkajs,
  createEventOpener,
  createEventSender,
  type EventLog,
  type EventRegistry,
  type EventSender,
  generateKey,
  type KafkajsOptions,
  openRegistry,
  type PrivateKey,
  type PublicKey,
  type Role,
  type SigningKey,
  signingKey,
  TrustStore,
  writeSigningKey,
  writeTrustFile,
} from '@unwind/runtime'
import {
  type Adapter,
  type AdapterFactory,
  createSidecar,
  type LoadedContract,
  type Sidecar,
} from '@unwind/sidecar'
import { inject } from 'vitest'
import { WITHIN_MS } from './patience.js'

export const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** How a test reaches Kafka. */
export type KafkaAccess = Pick<KafkajsOptions, 'brokers' | 'ssl' | 'sasl'>

/**
 * Topics, schemas, keys and connections of one test file's own, on the shared stack. `close` ends everything that was
 * started through it.
 */
export class World {
  readonly ledger: LedgerEvent[] = []
  readonly #closers: (() => Promise<unknown>)[] = []
  readonly #keys: PublicKey[] = []
  readonly #privateKeys: PrivateKey[] = []
  readonly #watchers = new Set<() => void>()

  private constructor(
    readonly topics: TopicNames,
    readonly log: EventLog,
    readonly registry: EventRegistry,
  ) {}

  /** @param kafka default: the shared stack's. */
  static async open(partitions = 3, kafka?: KafkaAccess): Promise<World> {
    const stack = inject('stack')
    const topics = topicNames(`t${randomBytes(4).toString('hex')}`)
    const log = connectKafkajs({
      ...(kafka ?? { brokers: stack.brokers }),
      clientId: 'test',
      logger: silent,
    })
    const admin = await log.admin()
    await admin.applyTopics(topicSpecifications(topics, partitions))
    await applySchemas({ url: stack.registryUrl }, topics)
    const registry = await openRegistry({ url: stack.registryUrl, topics })
    const world = new World(topics, log, registry)
    world.onClose(() => log.close())
    await world.#watchLedger()
    return world
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closers.unshift(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close()
  }

  /** A key whose public half is trusted by everything that asks `trust()` afterwards. */
  key(principal: string, roles: readonly Role[], systems: readonly string[] = []): SigningKey {
    const { privateKey, publicKey } = generateKey(principal, roles, systems)
    this.#keys.push(publicKey)
    this.#privateKeys.push(privateKey)
    return signingKey(privateKey)
  }

  /** Writes all keys so far as files, for processes of their own. @returns the trust file, and each key's file by principal. */
  writeKeys(folder: string): { readonly trustFile: string; keyFile(principal: string): string } {
    const trustFile = join(folder, 'trust.json')
    const keyFile = (principal: string) => join(folder, `${principal.replace(':', '-')}.jwk`)
    writeTrustFile(trustFile, this.#keys)
    for (const key of this.#privateKeys) writeSigningKey(keyFile(key.principal), key)
    return { trustFile, keyFile }
  }

  trust(): TrustStore {
    return new TrustStore(this.#keys)
  }

  async sender(key: SigningKey): Promise<EventSender> {
    const { log, topics, registry } = this
    const sender = await createEventSender({ log, topics, registry, key, source: '/test' })
    this.onClose(() => sender.close())
    return sender
  }

  /** A running sidecar of one system, in this process, with an adapter that the test brings. */
  async sidecar(
    contract: LoadedContract,
    factory: (adapterKind: string) => AdapterFactory | undefined,
    key: SigningKey,
  ): Promise<Sidecar> {
    const made = factory(contract.contract.adapter.kind)
    const sidecar = createSidecar({
      contract,
      ...this.parts(key),
      ...(made ? { adapters: { [contract.contract.adapter.kind]: made } } : {}),
    })
    await sidecar.start()
    this.onClose(() => sidecar.stop())
    return sidecar
  }

  parts(key: SigningKey) {
    const { log, registry, topics } = this
    const onFatal = (error: Error) => {
      throw error
    }
    return {
      log,
      registry,
      topics,
      key,
      trust: this.trust(),
      instance: `${key.principal}-test`,
      logger: silent,
      onFatal,
    }
  }

  /** Resolves with the ledger as soon as `holds` says so. */
  until(
    what: string,
    holds: (ledger: readonly LedgerEvent[]) => boolean,
    timeoutMs = WITHIN_MS,
  ): Promise<readonly LedgerEvent[]> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!holds(this.ledger)) return
        this.#watchers.delete(check)
        clearTimeout(timer)
        resolve(this.ledger)
      }
      const timer = setTimeout(() => {
        this.#watchers.delete(check)
        const seen = this.ledger.map(e => `${e.type} ${e.data.eventId}`).join('\n  ')
        reject(new Error(`waited ${timeoutMs} ms for: ${what}. The ledger has:\n  ${seen || '(nothing)'}`))
      }, timeoutMs)
      this.#watchers.add(check)
      check()
    })
  }

  /** Resolves when an event of this ID is in the ledger. */
  async event(eventId: string, timeoutMs?: number): Promise<LedgerEvent> {
    const ledger = await this.until(
      eventId,
      events => events.some(e => e.data.eventId === eventId),
      timeoutMs,
    )
    return ledger.find(e => e.data.eventId === eventId)!
  }

  of(rollbackId: string): LedgerEvent[] {
    return this.ledger.filter(e => e.data.rollbackId === rollbackId)
  }

  async #watchLedger(): Promise<void> {
    const opener = createEventOpener({ registry: this.registry })
    const take = (event: UnwindEvent) => {
      this.ledger.push(event as LedgerEvent)
      for (const watcher of [...this.#watchers]) watcher()
    }
    const reader = this.log.reader({
      topics: [this.topics.rollback],
      from: 'start',
      onRecords(records) {
        for (const record of records) {
          const opened = opener.open(record)
          if (!(opened instanceof Promise) && opened.kind === 'event') take(opened.event)
        }
      },
      onFatal: error => {
        throw error
      },
    })
    await reader.start()
    this.onClose(() => reader.stop())
  }
}

/** A contract as if read from a file. */
export function loaded(contract: Record<string, unknown>): LoadedContract {
  const document = canonicalJson(contract as never)
  return { contract: contractSchema.parse(contract) as Contract, document, hash: hashText(document) }
}

/** `RollbackRequested` under the default policy, as a coordinator with this key would sign it. */
export function requestOf(plan: Plan, key: SigningKey, over: object = {}): LedgerEvent {
  const frozen = freezePlan(plan)
  const approval = {
    approver: 'policy:default',
    planHash: frozen.planHash,
    grantedAt: Date.now(),
    expiresAt: null,
  }
  return {
    type: 'RollbackRequested',
    data: {
      eventId: `${plan.rollbackId}/requested/r${plan.revision}`,
      correlationId: plan.correlationId,
      rollbackId: plan.rollbackId,
      occurredAt: Date.now(),
      emitter: key.principal,
      causationId: null,
      revision: plan.revision,
      ...frozen,
      approvals: [{ ...approval, keyId: key.keyId, signature: '' }],
      requestedBy: 'user:ana',
      policy: 'default',
      steps: [],
      ...over,
    },
  }
}

export type { Adapter }
