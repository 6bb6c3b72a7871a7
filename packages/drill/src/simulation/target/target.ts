import type { SystemProfile } from '../scenario/scenario.js'

/** A forward action as the target knows it. */
export interface Written {
  readonly actionId: string
  readonly correlationId: string
  readonly action: string
  readonly item: string
  readonly before: string
  readonly after: string
  readonly at: number
}

/** One change that an undo made, as the target saw it. What the invariants look at. */
export interface Effect {
  readonly system: string
  /** Idempotency key: "<rollback>/<step>". */
  readonly key: string
  readonly item: string
  readonly actionIds: readonly string[]
  readonly from: string
  readonly to: string
  /** What the item held when the action had just been done. */
  readonly left: readonly string[]
  readonly resolution: string | null
}

/** What a read saw. */
export interface Observation {
  readonly system: string
  readonly key: string
  /** Actions whose traces it looked at. */
  readonly actionIds: readonly string[]
  readonly restored: number
  readonly kept: number
  readonly expected: number
}

export interface TargetWatch {
  effect(effect: Effect): void
  observed(observation: Observation): void
}

/** The state of one simulated system: items with values, what was done to them, and the records that it keeps. */
export class Target {
  readonly #items = new Map<string, string>()
  readonly written = new Map<string, Written>()
  readonly log: Written[] = []
  /** Keys of requests that it has carried out, and when. */
  readonly keys = new Map<string, number>()
  /** Steps whose undo is recorded (sql): items that were kept. */
  readonly records = new Map<string, readonly string[]>()
  readonly fenced = new Set<string>()
  /** Older states of items, for reads that lag behind: since when a value stands. */
  readonly #since = new Map<string, { readonly value: string; readonly at: number }>()
  /** Captured actions up to here are in the actions topic. */
  relayed = 0
  #tokens = 0

  constructor(
    readonly profile: SystemProfile,
    readonly watch: TargetWatch,
    readonly clockNow: () => number,
  ) {}

  value(item: string): string {
    return this.#items.get(item) ?? 'v0'
  }

  /** What a replica shows that is so many ms behind. */
  lagging(item: string, lagMs: number): string {
    const changed = this.#since.get(item)
    return changed && changed.at + lagMs > this.clockNow() ? changed.value : this.value(item)
  }

  set(item: string, value: string): void {
    this.#since.set(item, { value: this.value(item), at: this.clockNow() })
    this.#items.set(item, value)
  }

  /** Somebody does business. @returns null: the fence stopped it. */
  act(correlationId: string, actionId: string, action: string, item: string): Written | null {
    if (this.profile.kind === 'sql' && this.fenced.has(correlationId)) return null
    const before = this.value(item)
    const after = `v${++this.#tokens}`
    this.set(item, after)
    const written: Written = { actionId, correlationId, action, item, before, after, at: this.clockNow() }
    this.written.set(actionId, written)
    this.log.push(written)
    return written
  }

  actionsOf(correlationId: string): readonly Written[] {
    return this.log.filter(written => written.correlationId === correlationId)
  }
}

/** What one step is to bring an item back to, and what may stand there now. */
export interface ItemWork {
  readonly item: string
  readonly actionIds: readonly string[]
  /** Value before the first of the actions. */
  readonly before: string
  /** Values that the actions left: the last one is what stands there if nobody came after. */
  readonly left: readonly string[]
}

/** @param actionIds last to first, as a plan lists them. */
export function itemsOf(target: Target, actionIds: readonly string[]): readonly ItemWork[] {
  const items = new Map<string, { actionIds: string[]; before: string; left: string[] }>()
  for (const actionId of actionIds) {
    const written = target.written.get(actionId)
    if (!written) continue
    const known = items.get(written.item)
    if (!known)
      items.set(written.item, { actionIds: [actionId], before: written.before, left: [written.after] })
    else {
      known.actionIds.push(actionId)
      known.before = written.before
      known.left.push(written.after)
    }
  }
  return [...items].map(([item, work]) => ({ item, ...work }))
}
