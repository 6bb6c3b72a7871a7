import type {
  Adapter,
  AdapterFeatures,
  FenceReport,
  FoundAction,
  ProbeResult,
  StepWork,
  UndoResult,
} from '@unwind/sidecar'

/**
 * A target in memory, to test the loop against the real Kafka: counts its effects by step key, and can be told how the
 * next calls end. Everything that the loop promises is visible in `calls` and `effects`.
 */
export class MemoryTarget implements Adapter {
  readonly kind = 'memory'
  readonly calls: string[] = []
  /** Effects by step key: more than one is a broken promise. */
  readonly effects = new Map<string, number>()
  readonly found = new Map<string, readonly FoundAction[]>()
  readonly undoScript: (UndoResult | 'throw' | 'throw-after-effect')[] = []
  readonly #records = new Set<string>()
  gate: Promise<void> = Promise.resolve()

  constructor(
    readonly features: AdapterFeatures = { atomicEffect: true, findsActions: false, fence: 'none' },
  ) {}

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  async fence(
    requests: readonly { correlationId: string; rollbackId: string }[],
  ): Promise<readonly FenceReport[]> {
    this.calls.push(`fence ${requests.map(r => r.correlationId).join(' ')}`)
    return requests.map(r => ({
      kind: 'fenced',
      rollbackId: r.rollbackId,
      found: this.found.get(r.correlationId) ?? [],
    }))
  }

  async undo(work: StepWork): Promise<UndoResult> {
    this.calls.push(`undo ${work.key}`)
    await this.gate
    const scripted = this.undoScript.shift()
    if (scripted === 'throw') throw new Error('connection reset')
    if (scripted && scripted !== 'throw-after-effect') return scripted
    const before = this.#records.has(work.key)
    if (!before) {
      this.#records.add(work.key)
      this.effects.set(work.key, (this.effects.get(work.key) ?? 0) + 1)
    }
    if (scripted === 'throw-after-effect') throw new Error('connection reset')
    return { kind: 'applied', before, items: work.actions.length, fromDigest: null, notes: [] }
  }

  async probe(work: StepWork): Promise<ProbeResult> {
    this.calls.push(`probe ${work.key}`)
    const expected = work.actions.length
    const restored = this.#records.has(work.key) ? expected : 0
    return { kind: 'seen', restored, expected, kept: 0, digest: null, differences: [], how: 'memory' }
  }

  async preview(work: StepWork) {
    return { items: work.actions.length, conflicts: [], problems: [] }
  }
}
