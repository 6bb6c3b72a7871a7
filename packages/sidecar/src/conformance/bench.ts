import assert from 'node:assert/strict'
import { type Contract, contractSchema, type PlannedAction } from '@unwind/contracts'
import type { Adapter, ProbeResult, StepWork, UndoResult } from '../adapter/port.js'
import { ADAPTERS, type AdapterFactory, createAdapter } from '../adapters/factories.js'
import type { AdapterFixture, Forward, Ground, Target, TargetOptions } from './fixture.js'
import { expectEffects, expectRestored } from './targets.js'

const NEVER = new AbortController().signal
/** Longest that one call of an adapter may take, ms: its own limit, and some. */
export const PATIENCE_MS = 6_000
const DEFAULTS = { onConflict: 'park', timeoutMs: 5_000 } as const

/** A target with one adapter beside it. */
export interface Pair {
  readonly target: Target
  readonly adapter: Adapter
}

/** Where a case meets one adapter in this process: makes targets and adapters, and ends them. */
export class Bench {
  readonly #open: (() => Promise<unknown>)[] = []
  #count = 0

  /** @param name unique in the run: begins system names and correlation IDs. Lower-case letters, digits, dashes. */
  constructor(
    readonly fixture: AdapterFixture,
    private readonly ground: Ground,
    private readonly name: string,
    private readonly adapters: Readonly<Record<string, AdapterFactory>> = ADAPTERS,
  ) {}

  get features() {
    return this.fixture.features
  }

  /** A correlation ID that nobody has used. */
  correlationId(): string {
    return `${this.name}-c${++this.#count}`
  }

  /** A fresh target and a started adapter. */
  async pair(over: Partial<Omit<TargetOptions, 'system'>> = {}): Promise<Pair> {
    const system = `${this.name}-${++this.#count}`
    const target = await this.ground.target({ ...DEFAULTS, ...over, system })
    this.#open.push(() => target.close())
    return { target, adapter: await this.adapter(target) }
  }

  /** One more instance on the same target, as a second process would have it. */
  async adapter(target: Target): Promise<Adapter> {
    const contract: Contract = contractSchema.parse(target.contract)
    const quiet = () => undefined
    const adapter = await createAdapter(
      {
        contract,
        actionContract: action => contract.actions[action],
        log: { info: quiet, warn: quiet, error: quiet },
        failpoint: async () => undefined,
      },
      this.adapters,
    )
    this.#open.push(() => adapter.stop())
    await adapter.start()
    return adapter
  }

  /** As many subjects as one undo of this adapter can have, up to `wanted`. */
  many(wanted: number): number {
    return this.features.manyItems ? wanted : 1
  }

  /** The step that undoes a forward action, with its actions as a sidecar would get them. */
  async work(adapter: Adapter, forward: Forward, over: Partial<StepWork> = {}): Promise<StepWork> {
    const { correlationId } = forward
    const rollbackId = `rb-${correlationId}`
    const stepId = this.name
    return {
      rollbackId,
      correlationId,
      stepId,
      key: `${rollbackId}/${stepId}`,
      actions: [...(await this.#actions(adapter, forward, rollbackId))].reverse(),
      resolution: null,
      traceparent: null,
      firstStartedAt: Date.now(),
      ...over,
    }
  }

  async #actions(adapter: Adapter, forward: Forward, rollbackId: string): Promise<readonly PlannedAction[]> {
    if (this.features.adapter.findsActions) return found(adapter, forward.correlationId, rollbackId)
    return forward.recorded.map(({ action, resource, data }, i) => ({
      actionId: `${this.name}:${forward.correlationId}:${i}`,
      action,
      resource,
      data: JSON.stringify(data),
    }))
  }

  async close(): Promise<void> {
    for (const close of this.#open.splice(0).reverse()) await close()
  }
}

/** What the target itself knows under a correlation ID; puts the fence up. */
export async function found(
  adapter: Adapter,
  correlationId: string,
  rollbackId: string,
): Promise<readonly PlannedAction[]> {
  const [report, ...more] = await adapter.fence([{ correlationId, rollbackId }], NEVER)
  assert.equal(more.length, 0, 'a fence of one correlation ID has one report')
  assert.ok(report?.kind === 'fenced', `the fence failed: ${JSON.stringify(report)}`)
  return report.found.map(({ actionId, action, resource, data }) => ({ actionId, action, resource, data }))
}

/** @param signal the sidecar stops. @throws when there is no answer within `PATIENCE_MS`: the adapter has no limit. */
export async function undo(
  adapter: Adapter,
  work: StepWork,
  signal: AbortSignal = NEVER,
): Promise<UndoResult> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`the undo of ${work.key} had not ended after ${PATIENCE_MS} ms`)
    timer = setTimeout(() => reject(error), PATIENCE_MS)
  })
  try {
    return await Promise.race([adapter.undo(work, signal), late])
  } finally {
    clearTimeout(timer)
  }
}
const AGAIN = new Set(['transient', 'timeout', 'unknown'])
const AGAIN_AFTER_MS = 100

/** Calls again, as the loop does, while the outcome is one after which that is safe. At most so often, each time a little later. */
async function persistently<R extends { readonly kind: string; readonly code?: string }>(
  call: () => Promise<R>,
): Promise<R> {
  for (let tries = 1; ; tries++) {
    const result = await call()
    if (result.kind !== 'failed' || !AGAIN.has(result.code ?? '') || tries === 10) return result
    await new Promise(resolve => setTimeout(resolve, AGAIN_AFTER_MS))
  }
}

export const undoPersistently = (adapter: Adapter, work: StepWork) => persistently(() => undo(adapter, work))
export const probePersistently = (adapter: Adapter, work: StepWork) =>
  persistently(() => probe(adapter, work))
export const probe = (adapter: Adapter, work: StepWork): Promise<ProbeResult> => adapter.probe(work, NEVER)
export const preview = (adapter: Adapter, work: StepWork) => adapter.preview(work, NEVER)

/** Undone once, and a read of its own agrees (I2, I3). */
export async function expectUndone(
  { target, adapter }: Pair,
  forward: Forward,
  work: StepWork,
): Promise<void> {
  await expectEffects(target, forward.subjects, 1)
  await expectRestored(target, forward)
  const seen = await probePersistently(adapter, work)
  assert.ok(seen.kind === 'seen', `the probe failed: ${JSON.stringify(seen)}`)
  assert.ok(seen.expected > 0, 'the probe expects at least one item')
  assert.deepEqual(
    { restored: seen.restored, kept: seen.kept, differences: seen.differences },
    { restored: seen.expected, kept: 0, differences: [] },
    'what the probe saw',
  )
}

export function expectApplied(result: UndoResult): Extract<UndoResult, { kind: 'applied' }> {
  assert.ok(result.kind === 'applied', `the undo was not applied: ${JSON.stringify(result)}`)
  return result
}

export function expectFailed(
  result: UndoResult,
  codes: readonly string[],
): Extract<UndoResult, { kind: 'failed' }> {
  assert.ok(result.kind === 'failed', `expected a failure, got ${JSON.stringify(result)}`)
  assert.ok(
    codes.includes(result.code),
    `expected code ${codes.join(' or ')}, got ${result.code}: ${result.message}`,
  )
  return result
}
