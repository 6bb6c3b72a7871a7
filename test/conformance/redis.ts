import { createRedisCapture, type RedisCommand } from '@unwind/client/redis'
import type {
  AdapterFixture,
  Fault,
  Forward,
  Heal,
  Newer,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import { Auditor } from '../integration/redis-adapter/auditor.js'
import { Meanwhile } from '../integration/redis-adapter/meanwhile.js'
import { RedisServer } from '../integration/redis-adapter/redis-server.js'
import { type Conversation, CuttingProxy } from '../support/cutting-proxy.js'

/** The label of the script stands in every request, so it is found without knowing the protocol. */
const UNDO: Conversation = { request: bytes => bytes.includes('unwind-undo') }
const BEFORE = { status: 'draft', note: '' }

/** A server with carts in hashes, written by an application through capture. */
class Carts implements Target {
  readonly #capture
  readonly #subjects: string[] = []

  private constructor(
    private readonly options: TargetOptions,
    private readonly server: RedisServer,
    private readonly auditor: Auditor,
    private readonly proxy: CuttingProxy,
    private readonly meanwhile: Meanwhile,
    private readonly port: number,
  ) {
    this.#capture = createRedisCapture(server.admin, { system: options.system, prefix: this.#prefix })
  }

  static async create(stackUrl: string, options: TargetOptions): Promise<Carts> {
    const server = await RedisServer.start(stackUrl)
    const auditor = await Auditor.on(server)
    const meanwhile = new Meanwhile(server.port)
    const proxy = await CuttingProxy.start('127.0.0.1', await meanwhile.listen())
    await server.admin.hset(`${options.system}:stock`, 'qty', 50)
    return new Carts(options, server, auditor, proxy, meanwhile, proxy.listensOn)
  }

  get #prefix(): string {
    return `u-${this.options.system}`
  }

  get contract() {
    const { system, onConflict, timeoutMs } = this.options
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'carts', contact: 'carts@example.com' },
      success: 'the keys are as they were',
      adapter: {
        kind: 'redis',
        url: `redis://127.0.0.1:${this.port}`,
        prefix: this.#prefix,
        fence: 'reject',
        timeout: `${timeoutMs}ms`,
      },
      actions: {
        'cart.confirmed': {
          onConflict,
          retry: { attempts: 8, initial: '100ms', max: '500ms' },
          undo: { delta: [{ key: '*:stock', field: 'qty', min: 0 }] },
        },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from(
      { length: count },
      (_, i) => `${this.options.system}:${this.#subjects.length + i}`,
    )
    for (const key of subjects) await this.server.admin.hset(key, BEFORE)
    await this.#write(
      correlationId,
      subjects.map(key => ['HSET', key, 'status', 'confirmed', 'note', 'paid']),
    )
    this.#subjects.push(...subjects)
    return this.#forward(correlationId, subjects)
  }

  async #write(correlationId: string, commands: readonly RedisCommand[]): Promise<void> {
    await this.#capture.write({ correlationId, action: 'cart.confirmed' }, commands)
  }

  #forward(correlationId: string, subjects: readonly string[]): Forward {
    const restored = Object.fromEntries(subjects.map(key => [key, BEFORE]))
    return { correlationId, subjects, recorded: [], restored }
  }

  async state(subject: string) {
    const found = await this.server.admin.hgetall(subject)
    return Object.keys(found).length === 0 ? null : { ...found }
  }

  effects(subject: string): Promise<number> {
    return this.auditor.changesOf(subject)
  }

  async writeNewer(subject: string): Promise<Newer> {
    await this.server.admin.hset(subject, 'note', 'gift')
    return {
      differences: [{ item: subject, field: 'note', before: '""', after: '"paid"', current: '"gift"' }],
      after: {
        keep: { status: 'confirmed', note: 'gift' },
        force: BEFORE,
        merge: { status: 'draft', note: 'gift' },
      },
    }
  }

  readonly counter = {
    subject: 'qty',
    start: 50,
    floor: 0,
    act: async (correlationId: string, amount: number): Promise<Forward> => {
      await this.#write(correlationId, [['HINCRBY', `${this.options.system}:stock`, 'qty', amount]])
      return this.#forward(correlationId, [])
    },
    add: async (amount: number): Promise<void> => {
      await this.server.admin.hincrby(`${this.options.system}:stock`, 'qty', amount)
    },
    value: async (): Promise<number> =>
      Number(await this.server.admin.hget(`${this.options.system}:stock`, 'qty')),
  }

  async inject(fault: Fault): Promise<Heal> {
    switch (fault.kind) {
      case 'refuse':
        // No memory is left for writes.
        await this.server.admin.config('SET', 'maxmemory', '1')
        return async () => void (await this.server.admin.config('SET', 'maxmemory', '0'))
      case 'refuse-item':
        return this.#displace(fault.subject)
      case 'hang':
        this.proxy.arm('hold', UNDO)
        return async () => this.proxy.release()
      case 'cut-before-effect':
      case 'cut-after-effect':
        this.proxy.arm(fault.kind === 'cut-before-effect' ? 'before' : 'after', UNDO)
        return async () => this.proxy.release()
      case 'lie':
        this.meanwhile.meanwhile = async () => {
          for (const key of this.#subjects)
            await this.server.admin.hset(key, { status: 'confirmed', note: 'paid' })
        }
        return async () => {
          this.meanwhile.meanwhile = null
        }
    }
  }

  /** Something of another type stands where the undo would write. */
  async #displace(subject: string): Promise<Heal> {
    const { admin } = this.server
    await admin.rename(subject, `${subject}:aside`)
    await admin.sadd(subject, 'in the way')
    return async () => void (await admin.rename(`${subject}:aside`, subject))
  }

  async close(): Promise<void> {
    await this.proxy.stop()
    await this.meanwhile.stop()
    this.auditor.stop()
    await this.server.stop()
  }
}

const fixture: AdapterFixture = {
  kind: 'redis',
  needs: 'stack',
  features: {
    adapter: { atomicEffect: true, findsActions: true, fence: 'stops' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force', 'merge'],
    delta: true,
    partial: 'all-or-nothing',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: ['redis.undo.before', 'redis.undo.after'],
  },
  async open({ stack }) {
    if (!stack) throw new Error('the redis fixture needs the stack')
    const { redisUrl } = stack
    return { target: options => Carts.create(redisUrl, options) }
  },
}

export default fixture
