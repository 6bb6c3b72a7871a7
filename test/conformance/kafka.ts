import { HEADER } from '@unwind/contracts'
import type { EventLog, LogProducer } from '@unwind/runtime'
import type {
  AdapterFixture,
  Fault,
  Forward,
  Heal,
  Newer,
  Recorded,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import { ProduceProxy } from '../integration/kafka-adapter/produce-proxy.js'
import { allOf, connectQuietly } from '../integration/kafka-adapter/topic-reader.js'

const PARTITIONS = 8
const BEFORE = { status: 'draft', note: '' }
const AFTER = { status: 'confirmed', note: 'paid' }

/** Profiles on a topic that keeps the newest record of a key, and a service that writes them. */
class Profiles implements Target {
  readonly #subjects: string[] = []
  #count = 0

  private constructor(
    private readonly options: TargetOptions,
    private readonly log: EventLog,
    private readonly producer: LogProducer,
    private readonly proxy: ProduceProxy,
    private readonly topic: string,
    private readonly claims: string,
  ) {}

  static async create(
    brokers: readonly string[],
    log: EventLog,
    place: string,
    options: TargetOptions,
  ): Promise<Profiles> {
    const topic = `${place}.${options.system}.profiles`
    const claims = `${place}.${options.system}.claims`
    const admin = await log.admin()
    await admin.applyTopics([
      { topic, partitions: PARTITIONS, config: { 'cleanup.policy': 'compact' } },
      { topic: claims, partitions: 1, config: { 'message.timestamp.type': 'LogAppendTime' } },
    ])
    await admin.close()
    const proxy = await ProduceProxy.start(brokers[0]!, topic)
    return new Profiles(options, log, await log.producer(), proxy, topic, claims)
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'profiles', contact: 'profiles@example.com' },
      success: 'the newest record of every key is what it was',
      adapter: {
        kind: 'kafka',
        brokers: [this.proxy.address],
        claims: this.claims,
        lease: '4s',
        timeout: `${Math.max(timeoutMs, 1_000)}ms`,
        within: '300ms',
      },
      actions: {
        'profile.changed': {
          onConflict,
          retry: { attempts: 8, initial: '100ms', max: '500ms' },
          undo: {
            topic: this.topic,
            key: '{key}',
            value: '{previous}',
            encoding: 'text',
            replaces: { partition: '{partition}', offset: '{offset}', at: '{at}', value: '{written}' },
          },
        },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from({ length: count }, (_, i) => this.#keyIn(i % PARTITIONS))
    this.#subjects.push(...subjects)
    const recorded: Recorded[] = []
    for (const key of subjects) {
      await this.#write(key, BEFORE)
      const at = Date.now()
      const { partition, offset } = await this.#write(key, AFTER)
      recorded.push({
        action: 'profile.changed',
        resource: `profiles/${key}`,
        data: {
          key,
          partition,
          offset: String(offset),
          at,
          previous: JSON.stringify(BEFORE),
          written: JSON.stringify(AFTER),
        },
      })
    }
    const restored = Object.fromEntries(subjects.map(key => [key, BEFORE]))
    return { correlationId, subjects, recorded, restored }
  }

  /** Keys of one action lie in partitions of their own, so that one can be refused without the others. */
  #keyIn(partition: number): string {
    for (;;) {
      const key = `key-${++this.#count}.`
      if (this.log.partitionOf(key, PARTITIONS) === partition) return key
    }
  }

  #write(key: string, value: object) {
    return this.producer.publish({
      topic: this.topic,
      key,
      value: Buffer.from(JSON.stringify(value)),
      headers: {},
    })
  }

  async state(subject: string) {
    const newest = (await this.#records(subject)).at(-1)
    return newest?.value ? (JSON.parse(newest.value.toString('utf8')) as typeof BEFORE) : null
  }

  async effects(subject: string): Promise<number> {
    const records = await this.#records(subject)
    return records.filter(record => record.headers[HEADER.source]?.startsWith('/unwind/')).length
  }

  async #records(key: string) {
    return (await allOf(this.log, this.topic)).filter(record => record.key === key)
  }

  async writeNewer(subject: string): Promise<Newer> {
    await this.#write(subject, { ...AFTER, note: 'gift' })
    const item = `${this.topic}/${subject}`
    return {
      differences: [{ item, field: '/note', before: '""', after: '"paid"', current: '"gift"' }],
      after: {
        keep: { status: 'confirmed', note: 'gift' },
        force: BEFORE,
        merge: { status: 'draft', note: 'gift' },
      },
    }
  }

  async inject(fault: Fault): Promise<Heal> {
    switch (fault.kind) {
      case 'refuse':
        this.proxy.set({ kind: 'refuse', text: '' })
        break
      case 'refuse-item':
        this.proxy.set({ kind: 'refuse', text: fault.subject })
        break
      case 'hang':
        this.proxy.set({ kind: 'hold' })
        break
      case 'cut-before-effect':
        this.proxy.set({ kind: 'cut-before' })
        break
      case 'cut-after-effect':
        this.proxy.set({ kind: 'cut-after' })
        break
      case 'lie':
        this.proxy.set({
          kind: 'meanwhile',
          act: async () => {
            await Promise.all(this.#subjects.map(key => this.#write(key, AFTER)))
          },
        })
    }
    return async () => this.proxy.heal()
  }

  async close(): Promise<void> {
    await this.producer.close()
    await this.proxy.stop()
  }
}

const fixture: AdapterFixture = {
  kind: 'kafka',
  needs: 'stack',
  features: {
    adapter: { atomicEffect: false, findsActions: false, fence: 'none' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force', 'merge'],
    delta: false,
    partial: 'items',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: ['kafka.before-reversal', 'kafka.after-reversal'],
  },
  async open({ name, stack, onClose }) {
    if (!stack) throw new Error('the kafka fixture needs the stack')
    const log = connectQuietly(stack.brokers)
    onClose(() => log.close())
    return { target: options => Profiles.create(stack.brokers, log, name, options) }
  },
}

export default fixture
