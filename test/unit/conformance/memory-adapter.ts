import type { FieldDifference } from '@unwind/contracts'
import type {
  Adapter,
  AdapterContext,
  FenceReport,
  FenceRequest,
  ProbeResult,
  StepWork,
  UndoPreview,
  UndoResult,
} from '@unwind/sidecar'
import type { Bug } from './bugs.js'
import type { Item, Logged, MemoryTarget } from './memory-target.js'

const BEFORE: Item = { status: 'new', note: '' }
const AFTER: Item = { status: 'done', note: 'paid' }
const FIELDS = ['status', 'note'] as const

/** A sound adapter for the target in memory, or one with one mistake. */
export class MemoryAdapter implements Adapter {
  readonly features = { atomicEffect: true, findsActions: true, fence: 'stops' } as const
  readonly #policy: string

  constructor(
    private readonly target: MemoryTarget,
    context: AdapterContext,
    private readonly bug: Bug | null,
  ) {
    this.#policy = context.actionContract('done')!.onConflict
  }

  get kind(): string {
    return this.bug === 'is of another kind' ? 'memories' : 'memory'
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  async fence(requests: readonly FenceRequest[]): Promise<readonly FenceReport[]> {
    return requests.map(({ correlationId, rollbackId }) => {
      if (this.bug !== 'fences in name only') this.target.fenced.add(correlationId)
      const own = this.bug === 'finds its own undo as an action' && this.target.records.size > 0
      const found = this.target.log.filter(one => one.correlationId === correlationId)
      const listed = this.bug === 'finds no actions' ? [] : own ? [...found, ...found.slice(0, 1)] : found
      return {
        kind: 'fenced',
        rollbackId,
        found: listed.map(({ actionId, subject }) => ({
          actionId,
          action: 'done',
          resource: subject,
          occurredAt: 1,
          data: '{}',
        })),
      }
    })
  }

  async undo(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    const { bug, target } = this
    const known = target.records.has(work.key) && bug !== 'keeps no effect record'
    if (bug === 'looks for its record before it waits') await new Promise(resolve => setImmediate(resolve))
    if (known) return this.#applied(work, bug !== 'says that every call is the first')
    const fault = target.fault
    if (fault?.kind === 'refuse')
      return failure(bug === 'takes a refusal for an open outcome' ? 'unknown' : 'transient', this.#hint)
    if (fault?.kind === 'hang') return this.#waited(work, signal)
    if (fault?.kind === 'cut-before-effect') {
      target.fault = null
      return bug === 'takes a lost connection for done' ? this.#applied(work, false) : failure('unknown')
    }
    const result = this.#act(work)
    if (fault?.kind !== 'cut-after-effect') return result
    target.fault = null
    return failure(bug === 'takes a lost answer for not done' ? 'transient' : 'unknown')
  }

  get #forgets(): boolean {
    const { bug } = this
    return (
      bug === 'repeats what a failed step had done' ||
      bug === 'keeps no effect record' ||
      bug === 'looks for its record before it waits'
    )
  }

  get #hint(): string {
    return this.bug === 'says nothing of what to do' ? '' : 'Wait.'
  }

  async #waited(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    if (this.bug === 'takes a time-out for done') return this.#applied(work, false)
    let timer: NodeJS.Timeout | undefined
    await Promise.race([
      this.target.healed,
      ...(this.bug === 'waits for ever'
        ? []
        : [
            new Promise(resolve => {
              timer = setTimeout(resolve, this.target.timeoutMs)
            }),
            new Promise(resolve => signal.addEventListener('abort', resolve)),
          ]),
    ])
    clearTimeout(timer)
    return failure('timeout')
  }

  #applied(work: StepWork, before: boolean): UndoResult {
    return { kind: 'applied', before, items: work.actions.length, fromDigest: null, notes: [] }
  }

  #act(work: StepWork): UndoResult {
    const { bug, target } = this
    const entries = this.#entries(work)
    const policy = work.resolution ?? this.#policy
    const differences = entries.flatMap(one => this.#newer(one))
    if (differences.length > 0 && policy === 'park' && bug !== 'does not look for newer data') {
      if (bug === 'undoes what comes before a conflict') target.write(entries.at(-1)!.subject, BEFORE)
      const told =
        bug === 'says less than it knows of a conflict'
          ? [{ ...differences[0]!, current: null }]
          : differences
      return { kind: 'conflict', differences: told }
    }
    for (const entry of entries) {
      if (target.fault?.kind === 'refuse-item' && target.fault.subject === entry.subject)
        return bug === 'calls a partial failure a conflict'
          ? { kind: 'conflict', differences: [] }
          : failure('transient')
      const done = `${work.key} ${entry.actionId}`
      if (target.undone.has(done) && !this.#forgets) continue
      if (entry.amount !== null) {
        if (!this.#undoNumber(entry.amount))
          return { kind: 'conflict', differences: [difference('number', 'floor', null)] }
      } else this.#undoItem(work, entry, policy)
      target.undone.add(done)
    }
    target.records.add(work.key)
    return this.#applied(work, false)
  }

  #undoNumber(amount: number): boolean {
    if (this.target.number - amount < 0 && this.bug !== 'lets a counter fall below its floor') return false
    this.target.number = this.bug === 'restores a counter to what it was' ? 50 : this.target.number - amount
    return true
  }

  #undoItem(work: StepWork, { subject, ...rest }: Logged, policy: string): void {
    const { bug, target } = this
    const now = target.items.get(subject)!
    const newer = this.#newer({ subject, ...rest }).length > 0
    const keeps =
      (policy === 'keep' && bug !== 'overwrites what it should keep') ||
      (policy === 'force' && bug === 'keeps what it should overwrite')
    const merges = policy === 'merge' && bug !== 'merges by overwriting'
    if (newer && (keeps || merges)) this.#keep(work, subject)
    if (newer && keeps) return
    const merged = {
      status: now.status === AFTER.status ? BEFORE.status : now.status,
      note: now.note === AFTER.note ? BEFORE.note : now.note,
    }
    target.write(subject, newer && merges ? merged : BEFORE)
  }

  #keep(work: StepWork, subject: string): void {
    const kept = this.target.kept.get(work.key) ?? new Set()
    this.target.kept.set(work.key, kept.add(subject))
  }

  #newer({ subject, amount }: Logged): FieldDifference[] {
    if (amount !== null) return []
    const now = this.target.items.get(subject)!
    return FIELDS.filter(field => now[field] !== AFTER[field] && now[field] !== BEFORE[field]).map(field => ({
      item: subject,
      field,
      before: JSON.stringify(BEFORE[field]),
      after: JSON.stringify(AFTER[field]),
      current: JSON.stringify(now[field]),
    }))
  }

  #entries(work: StepWork): readonly Logged[] {
    const ids = work.actions.map(action => action.actionId)
    return ids.map(id => this.target.log.find(one => one.actionId === id)!)
  }

  async probe(work: StepWork): Promise<ProbeResult> {
    const { bug, target } = this
    const entries = this.#entries(work)
    const all = bug === 'trusts its effect record in the probe' && target.records.has(work.key)
    const restored = (one: Logged) =>
      all ||
      (one.amount === null
        ? FIELDS.every(field => target.items.get(one.subject)![field] === BEFORE[field])
        : target.undone.has(`${work.key} ${one.actionId}`))
    const open = entries.filter(one => !restored(one))
    const kept = open.filter(one => target.kept.get(work.key)?.has(one.subject)).length
    const asRestored = bug === 'counts what it kept as restored' ? kept : 0
    return {
      kind: 'seen',
      restored: entries.length - open.length + asRestored,
      expected: entries.length,
      kept: kept - asRestored,
      digest: null,
      differences:
        bug === 'sees no difference in its probe'
          ? []
          : open.map(one => difference(one.subject, '', '"open"')),
      how: 'memory',
    }
  }

  async preview(work: StepWork): Promise<UndoPreview> {
    const entries = this.#entries(work)
    if (this.bug === 'writes in its preview') this.target.write(entries[0]!.subject, BEFORE)
    return { items: entries.length, conflicts: entries.flatMap(one => this.#newer(one)), problems: [] }
  }
}

function difference(item: string, field: string, current: string | null): FieldDifference {
  return { item, field, before: null, after: null, current }
}

function failure(code: 'transient' | 'unknown' | 'timeout', hint = 'Look.'): UndoResult {
  return { kind: 'failed', code, message: `${code} outcome`, hint }
}
