import {
  type Adapter,
  type AdapterContext,
  ContractError,
  type FenceRequest,
  type ProbeResult,
  type StepWork,
  type UndoPreview,
  type UndoResult,
} from '../../adapter/port.js'
import { HttpClient } from '../http/client.js'
import type { Environment } from '../http/environment.js'
import { checkTarget } from '../http/start-check.js'
import { Descent, look, type Shell } from './descent.js'
import { itemsOf } from './item.js'
import type { FlagProvider } from './provider.js'
import { createProvider } from './providers/create.js'
import { readBack } from './read-back.js'
import { type Same, sameBy } from './state.js'
import { type FlagsTarget, flagsTarget } from './target.js'

/**
 * Feature flags: restored to the state before the action, in stages where the contract wants it, and proved by evaluating
 * them as an application does. A store of flags cannot record our effect together with its own, so repeats are harmless
 * because every write is a state and not a difference, is based on the version that was read, and carries the step's mark.
 * @param environment fills in `${NAME}` in the adapter's section, as far as the caller has not.
 * @throws ContractError when the contract does not fit, naming every key.
 */
export function createFlagsAdapter(context: AdapterContext, environment: Environment = process.env): Adapter {
  return new FlagsAdapter(context, flagsTarget(context.contract, environment))
}

class FlagsAdapter implements Adapter {
  readonly kind = 'flags'
  readonly features = { atomicEffect: false, findsActions: false, fence: 'none' } as const
  readonly #provider: FlagProvider
  readonly #ofrep: HttpClient
  readonly #monitor: HttpClient | null
  readonly #same: Same
  readonly #now = Date.now

  constructor(
    private readonly context: AdapterContext,
    private readonly target: FlagsTarget,
  ) {
    this.#provider = createProvider(target, this.#now)
    this.#ofrep = new HttpClient(target.ofrep, this.#now)
    this.#monitor = target.monitor && new HttpClient(target.monitor, this.#now)
    this.#same = sameBy((field, value) => this.#provider.canonical(field, value))
  }

  async start(): Promise<void> {
    const { system, version } = this.context.contract
    const problem =
      (await this.#provider.check(new AbortController().signal)) ??
      (await this.#reach('ofrep', this.#ofrep, this.target.ofrep)) ??
      (this.#monitor && this.target.monitor
        ? await this.#reach('monitor', this.#monitor, this.target.monitor)
        : null)
    if (problem) throw new ContractError(`contract ${system} ${version}: ${problem}`)
    this.context.log.info({ provider: this.#provider.kind }, 'flag store reached')
  }

  async #reach(part: string, client: HttpClient, target: FlagsTarget['ofrep']): Promise<string | null> {
    const problem = await checkTarget(client, target)
    return problem?.replace('adapter.', `adapter.${part}.`) ?? null
  }

  /** A flag store has no place for a mark by correlation ID, and does not know its actions by it. */
  async fence(requests: readonly FenceRequest[]) {
    return requests.map(({ rollbackId }) => ({ kind: 'fenced', rollbackId, found: [] }) as const)
  }

  async undo(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    const items = itemsOf(this.target, this.#provider, this.#same, work)
    if ('kind' in items) return items
    return new Descent(this.#shell(signal), items, work).run()
  }

  async probe(
    work: StepWork,
    signal: AbortSignal,
    patience: 'settle' | 'glance' = 'settle',
  ): Promise<ProbeResult> {
    const items = itemsOf(this.target, this.#provider, this.#same, work)
    if ('kind' in items) return items
    return readBack(this.#shell(signal), this.#ofrep, items, work, patience)
  }

  async preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview> {
    const items = itemsOf(this.target, this.#provider, this.#same, work)
    if ('kind' in items) return { items: 0, conflicts: [], problems: [items.message] }
    const seen = await look(this.#shell(signal), items, work)
    if ('kind' in seen) return { items: items.length, conflicts: [], problems: [seen.message] }
    const conflicts = seen.flatMap(({ move }) => (move.kind === 'conflict' ? move.differences : []))
    return { items: items.length, conflicts, problems: [] }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#provider.close(), this.#ofrep.close(), this.#monitor?.close()])
  }

  #shell(signal: AbortSignal): Shell {
    return {
      provider: this.#provider,
      monitor: this.#monitor,
      same: this.#same,
      signal,
      now: this.#now,
      failpoint: name => this.context.failpoint(name),
    }
  }
}
