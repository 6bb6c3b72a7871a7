import { canonicalJson, hashText } from '@unwind/contracts'
import {
  type Adapter,
  type AdapterContext,
  type AdapterFeatures,
  ContractError,
  type FenceRequest,
  type ProbeResult,
  type StepWork,
  type UndoPreview,
  type UndoResult,
} from '../../adapter/port.js'
import type { Environment } from '../http/environment.js'
import { compare, differences, keptOf } from './compare.js'
import { FilesStore } from './files-store.js'
import { failureOf, itemsOf, load } from './load.js'
import { ServiceStore } from './service-store.js'
import type { ConfigFailure, Item, Loaded, Store } from './store.js'
import { type ConfigTarget, configTarget } from './target.js'
import { type Decision, decide, policyOf, restore } from './undo.js'

/** Documents named in `how`; the ledger is not the place for hundreds. */
const NAMED = 3

/**
 * A configuration that is put back to its previous version: files, manifests, or documents of a service. Versions are
 * compared key by key, so that what somebody changed since is seen, and can be kept.
 * @param environment fills in `${NAME}` in the adapter's section, as far as the caller has not.
 * @throws ContractError when the contract does not fit, naming every key.
 */
export function createConfigAdapter(
  context: AdapterContext,
  environment: Environment = process.env,
): Adapter {
  const target = configTarget(context.contract, environment)
  const { options } = target
  const store =
    options.store === 'files'
      ? new FilesStore(options, name => context.failpoint(name))
      : new ServiceStore(target, options)
  return new ConfigAdapter(context, target, store)
}

class ConfigAdapter implements Adapter {
  readonly kind = 'config'
  readonly features: AdapterFeatures

  constructor(
    private readonly context: AdapterContext,
    private readonly target: ConfigTarget,
    private readonly store: Store,
  ) {
    this.features = { atomicEffect: store.atomicEffect, findsActions: false, fence: 'none' }
  }

  async start(): Promise<void> {
    const problem = await this.store.start()
    const { system, version } = this.context.contract
    if (problem) throw new ContractError(`contract ${system} ${version}: ${problem}`)
    this.context.log.info({ store: this.target.options.store }, 'config target reached')
  }

  /** Files and documents have no place for a mark, and do not know actions by correlation ID: nothing stops, nothing is found. */
  async fence(requests: readonly FenceRequest[]) {
    return requests.map(({ rollbackId }) => ({ kind: 'fenced', rollbackId, found: [] }) as const)
  }

  async undo(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    const { target, store } = this
    const items = itemsOf(target, store, work)
    if ('kind' in items) return items
    const open: Item[] = []
    for (const item of items) if (!(await store.happened(effectKey(work, item)))) open.push(item)
    // All is read before anything is written, so that a conflict finds the step untouched.
    const loaded = await this.#loadAll(open, signal)
    if ('kind' in loaded) return loaded
    const decisions = loaded.map(each => decide(work, each))
    const inTheWay = decisions.filter(({ intention }) => intention.kind === 'conflict')
    if (inTheWay.length > 0)
      return { kind: 'conflict', differences: inTheWay.flatMap(each => this.#newerOf(each)) }
    return this.#act(work, items.length, decisions, signal)
  }

  async #act(
    work: StepWork,
    all: number,
    decisions: readonly Decision[],
    signal: AbortSignal,
  ): Promise<UndoResult> {
    const { store } = this
    const notes: string[] = []
    let written = 0
    let before = true
    for (const decision of decisions) {
      const { loaded, intention } = decision
      const key = effectKey(work, loaded.item)
      if (intention.kind === 'nothing') await store.conclude(key, loaded)
      if (intention.kind === 'keep' || (intention.kind === 'keys' && decision.comparison.newer.length > 0))
        notes.push(`${loaded.item.name}: kept what is newer than the action`)
      if (intention.kind !== 'whole' && intention.kind !== 'keys') continue
      const outcome = await restore(store, key, work, decision, signal)
      if (outcome.kind === 'done') {
        before &&= outcome.before
        written++
        if (outcome.note !== null) notes.push(outcome.note)
        continue
      }
      const share =
        written === 0 ? '' : `; ${written} of ${all} documents were restored before and are not repeated`
      if (outcome.kind === 'failed') return { ...outcome, message: outcome.message + share }
      return this.#changedMeanwhile(work, loaded.item, written, share, signal)
    }
    const fromDigest = decisions.length === 0 ? null : digestOf(decisions.map(each => each.loaded))
    return { kind: 'applied', before, items: all, fromDigest, notes }
  }

  /** Somebody wrote between our read and our write. What they wrote decides. */
  async #changedMeanwhile(
    work: StepWork,
    item: Item,
    written: number,
    share: string,
    signal: AbortSignal,
  ): Promise<UndoResult> {
    const again = await load(this.store, item, signal)
    if (again.kind === 'failed') return again
    const decision = decide(work, again)
    if (decision.intention.kind === 'conflict' && written === 0)
      return { kind: 'conflict', differences: this.#newerOf(decision) }
    return {
      kind: 'failed',
      // Not the outcome "conflict" where something was changed: that one promises that nothing was.
      code: decision.intention.kind === 'conflict' ? 'conflict' : 'transient',
      message: `${item.name} was changed between the read and the write${share}`,
      hint: 'It is read again before anything is written.',
    }
  }

  async probe(work: StepWork, signal: AbortSignal): Promise<ProbeResult> {
    const items = itemsOf(this.target, this.store, work)
    if ('kind' in items) return items
    const loaded = await this.#loadAll(items, signal)
    if ('kind' in loaded) return loaded
    const seen = loaded.map(each => {
      const comparison = compare(each.images, each.values)
      const { ours, restored } = comparison
      // A change of nothing but comments, or the creation of an empty document, is one item.
      if (ours.length === 0) {
        const isBefore =
          each.texts === undefined || each.current === each.texts.before || each.current !== each.texts.after
        return { each, open: [], restored: isBefore ? 1 : 0, expected: 1, kept: 0 }
      }
      const open = ours.filter(key => !restored.includes(key))
      const kept = keptOf(comparison, policyOf(work, each.item))
      return { each, open, restored: restored.length, expected: ours.length, kept }
    })
    const sum = (of: (one: (typeof seen)[number]) => number) =>
      seen.reduce((total, one) => total + of(one), 0)
    return {
      kind: 'seen',
      restored: sum(one => one.restored),
      expected: sum(one => one.expected),
      kept: sum(one => one.kept),
      digest: digestOf(loaded),
      differences: seen.flatMap(({ each, open }) => this.#differencesOf(each, open)),
      how: this.#howOf(items),
    }
  }

  async preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview> {
    const items = itemsOf(this.target, this.store, work)
    if ('kind' in items) return { items: 0, conflicts: [], problems: [items.message] }
    const loaded = await this.#loadAll(items, signal)
    if ('kind' in loaded) return { items: 0, conflicts: [], problems: [loaded.message] }
    const decisions = loaded.map(each => decide(work, each))
    return {
      items: decisions.filter(({ intention }) => !['nothing', 'keep'].includes(intention.kind)).length,
      conflicts: decisions
        .filter(({ intention }) => intention.kind === 'conflict')
        .flatMap(each => this.#newerOf(each)),
      problems: [],
    }
  }

  async stop(): Promise<void> {
    await this.store.stop()
  }

  async #loadAll(items: readonly Item[], signal: AbortSignal): Promise<readonly Loaded[] | ConfigFailure> {
    const loaded: Loaded[] = []
    for (const item of items) {
      try {
        const each = await load(this.store, item, signal)
        if (each.kind === 'failed') return each
        loaded.push(each)
      } catch (error) {
        const failure = failureOf(error, item.id)
        if (failure) return failure
        throw error
      }
    }
    return loaded
  }

  #newerOf({ loaded, comparison }: Decision) {
    return this.#differencesOf(loaded, comparison.newer)
  }

  #differencesOf({ item, images, values }: Loaded, keys: readonly string[]) {
    const { hide } = this.target.options
    return differences(item.name, keys, images, values, key => hide.some(pattern => pattern.test(key)))
  }

  #howOf(items: readonly Item[]): string {
    const more = items.length > NAMED ? ` and ${items.length - NAMED} more` : ''
    return (
      items
        .slice(0, NAMED)
        .map(item => this.store.howOf(item))
        .join(', ') + more
    )
  }
}

/** Of the step and the document, never of the attempt (I2). */
function effectKey(work: StepWork, item: Item): string {
  return `${work.key}/${item.id}`
}

function digestOf(loaded: readonly Loaded[]): string {
  return hashText(
    canonicalJson(loaded.map(({ item, current }) => [item.id, current === null ? null : hashText(current)])),
  )
}
