import type {
  AdapterFixture,
  Counter,
  Fault,
  Forward,
  Heal,
  Newer,
  Target,
} from '@unwind/sidecar/conformance'

export interface Item {
  status: string
  note: string
}

export interface Logged {
  readonly actionId: string
  readonly correlationId: string
  readonly subject: string
  /** For the counter; null: an item. */
  readonly amount: number | null
}

/** A target in memory with every feature that a fixture can declare: the suite itself is tested on it. */
export class MemoryTarget implements Target {
  readonly items = new Map<string, Item>()
  readonly written = new Map<string, number>()
  readonly log: Logged[] = []
  readonly fenced = new Set<string>()
  /** Effect records by step key, and the items that a step has undone. */
  readonly records = new Set<string>()
  readonly undone = new Set<string>()
  readonly kept = new Map<string, Set<string>>()
  fault: Fault | null = null
  healed: Promise<void> = Promise.resolve()
  number = 50

  constructor(
    readonly system: string,
    readonly onConflict: string,
    readonly timeoutMs: number,
  ) {}

  get contract() {
    return {
      apiVersion: 'unwind/v1',
      kind: 'Contract',
      system: this.system,
      version: '1.0.0',
      owner: { team: 'memory', contact: 'memory@example.com' },
      success: 'it is as it was',
      adapter: { kind: 'memory' },
      actions: { done: { onConflict: this.onConflict, timeout: `${this.timeoutMs}ms` } },
    }
  }

  async act(correlationId: string, count: number): Promise<Forward> {
    if (this.fenced.has(correlationId)) throw new Error(`${correlationId} is being rolled back`)
    const subjects = Array.from({ length: count }, (_, i) => `${this.log.length}.${i}`)
    for (const subject of subjects) {
      this.items.set(subject, { status: 'done', note: 'paid' })
      this.#note(correlationId, subject, null)
    }
    const restored = Object.fromEntries(subjects.map(subject => [subject, { status: 'new', note: '' }]))
    return { correlationId, subjects, recorded: [], restored }
  }

  #note(correlationId: string, subject: string, amount: number | null): void {
    this.log.push({ actionId: `${this.system}:${this.log.length}`, correlationId, subject, amount })
  }

  async state(subject: string) {
    const item = this.items.get(subject)
    return item ? { ...item } : null
  }

  async effects(subject: string): Promise<number> {
    return this.written.get(subject) ?? 0
  }

  /** What an undo writes, as the target sees it; a lying one acknowledges and forgets. */
  write(subject: string, item: Item): void {
    if (this.fault?.kind === 'lie') return
    this.items.set(subject, { ...item })
    this.written.set(subject, (this.written.get(subject) ?? 0) + 1)
  }

  async writeNewer(subject: string): Promise<Newer> {
    this.items.get(subject)!.note = 'gift'
    return {
      differences: [{ item: subject, field: 'note', before: '""', after: '"paid"', current: '"gift"' }],
      after: {
        keep: { status: 'done', note: 'gift' },
        force: { status: 'new', note: '' },
        merge: { status: 'new', note: 'gift' },
      },
    }
  }

  readonly counter: Counter = {
    subject: 'number',
    start: 50,
    floor: 0,
    act: async (correlationId, amount) => {
      this.number += amount
      this.#note(correlationId, 'number', amount)
      return { correlationId, subjects: [], recorded: [], restored: {} }
    },
    add: async amount => {
      await new Promise(resolve => setImmediate(resolve))
      this.number += amount
    },
    value: async () => this.number,
  }

  async inject(fault: Fault): Promise<Heal> {
    let heal: () => void = () => undefined
    this.fault = fault
    this.healed = new Promise(resolve => {
      heal = resolve
    })
    return async () => {
      this.fault = null
      heal()
    }
  }

  async close(): Promise<void> {}
}

export const memoryFixture = (targets: Map<string, MemoryTarget>): AdapterFixture => ({
  kind: 'memory',
  needs: 'nothing',
  features: {
    adapter: { atomicEffect: true, findsActions: true, fence: 'stops' },
    manyItems: true,
    manyRollbacks: true,
    policies: ['park', 'keep', 'force', 'merge'],
    delta: true,
    partial: 'items',
    faults: ['refuse', 'refuse-item', 'hang', 'cut-before-effect', 'cut-after-effect', 'lie'],
    inside: [],
  },
  async open() {
    return {
      target: async ({ system, onConflict, timeoutMs }) => {
        const target = new MemoryTarget(system, onConflict, timeoutMs)
        targets.set(system, target)
        return target
      },
    }
  },
})
