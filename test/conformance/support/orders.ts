import type {
  Fault,
  FixtureFeatures,
  Forward,
  Heal,
  Newer,
  State,
  Target,
  TargetOptions,
} from '@unwind/sidecar/conformance'
import type { Conversation, CuttingProxy } from '../../support/cutting-proxy.js'

/** Orders and stock in a database with capture, and an application that names its business transactions. */
export abstract class Orders implements Target {
  #count = 0

  constructor(
    protected readonly options: TargetOptions,
    protected readonly proxy: CuttingProxy,
  ) {}

  abstract readonly contract: Target['contract']
  abstract state(subject: string): Promise<State>
  abstract effects(subject: string): Promise<number>
  abstract close(): Promise<void>

  /** A table as a conflict names it. */
  protected abstract readonly ordersLabel: string
  /** What the sidecar says to commit an undo, and no other of its conversations. */
  protected abstract readonly commit: Conversation
  /** One statement outside of any correlation ID. */
  protected abstract plain(statement: string): Promise<void>
  /** One statement in a transaction of its own under a correlation ID. */
  protected abstract transaction(correlationId: string, statement: string): Promise<void>
  /** Another session holds these orders: the undo waits for its lock time-out and is rolled back. */
  protected abstract lock(where: string): Promise<Heal>
  /** A trigger that takes back what the sidecar writes. */
  protected abstract lie(): Promise<Heal>
  protected abstract quantity(): Promise<number>

  protected contractOf(adapter: { readonly kind: string; readonly url: URL; readonly tables: object }) {
    const { system, onConflict, timeoutMs } = this.options
    adapter.url.host = `127.0.0.1:${this.proxy.listensOn}`
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system,
      version: '1.0.0',
      owner: { team: 'orders', contact: 'orders@example.com' },
      success: 'the rows are as they were',
      adapter: {
        kind: adapter.kind,
        url: adapter.url.href,
        fence: 'reject',
        statementTimeout: `${timeoutMs}ms`,
        lockTimeout: `${Math.ceil(timeoutMs / 2)}ms`,
        capture: { tables: { ...adapter.tables } },
      },
      actions: {
        'order.confirmed': { onConflict, retry: { attempts: 8, initial: '100ms', max: '500ms' } },
      },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    const subjects = Array.from({ length: count }, () => `o${++this.#count}`)
    const list = subjects.map(id => `'${id}'`).join(', ')
    await this.plain(`INSERT INTO orders VALUES ${subjects.map(id => `('${id}', 'draft', '')`).join(', ')}`)
    await this.transaction(
      correlationId,
      `UPDATE orders SET status = 'confirmed', note = 'paid' WHERE id IN (${list})`,
    )
    return forward(correlationId, subjects)
  }

  async writeNewer(subject: string): Promise<Newer> {
    await this.plain(`UPDATE orders SET note = 'gift' WHERE id = '${subject}'`)
    const item = `${this.ordersLabel}[id=${subject}]`
    return {
      differences: [{ item, field: 'note', before: '""', after: '"paid"', current: '"gift"' }],
      after: {
        keep: { status: 'confirmed', note: 'gift' },
        force: { status: 'draft', note: '' },
        merge: { status: 'draft', note: 'gift' },
      },
    }
  }

  readonly counter = {
    subject: 'tea',
    start: 50,
    floor: 0,
    act: async (correlationId: string, amount: number): Promise<Forward> => {
      await this.transaction(correlationId, `UPDATE stock SET qty = qty + ${amount} WHERE id = 'tea'`)
      return forward(correlationId, [])
    },
    add: (amount: number) => this.plain(`UPDATE stock SET qty = qty + ${amount} WHERE id = 'tea'`),
    value: () => this.quantity(),
  }

  async inject(fault: Fault): Promise<Heal> {
    switch (fault.kind) {
      case 'refuse':
        return this.lock('true')
      case 'refuse-item':
        return this.lock(`id = '${fault.subject}'`)
      case 'hang':
        return Object.assign(async () => this.proxy.release(), {
          caught: this.proxy.arm('hold', this.commit),
        })
      case 'cut-before-effect':
      case 'cut-after-effect':
        void this.proxy.arm(fault.kind === 'cut-before-effect' ? 'before' : 'after', this.commit)
        return async () => this.proxy.release()
      case 'lie':
        return this.lie()
    }
  }
}

function forward(correlationId: string, subjects: readonly string[]): Forward {
  const restored = Object.fromEntries(subjects.map(id => [id, { status: 'draft', note: '' }]))
  return { correlationId, subjects, recorded: [], restored }
}

/** @param inside failpoints of the adapter. */
export function ordersFeatures(inside: readonly string[]): FixtureFeatures {
  return {
    adapter: { atomicEffect: true, findsActions: true, fence: 'stops', recordsCompensations: true },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force', 'merge'],
    delta: true,
    partial: 'all-or-nothing',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside,
  }
}
