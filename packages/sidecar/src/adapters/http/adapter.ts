import { canonicalJson, type FieldDifference, hashText, type Json } from '@unwind/contracts'
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
import type { HttpFailure } from './classify.js'
import { HttpClient } from './client.js'
import type { Environment } from './environment.js'
import { type Item, itemsOf } from './item.js'
import { mapBounded } from './map-bounded.js'
import { differencesOf, type Reading, readUntilRestored, valuesOf } from './reading.js'
import { checkTarget } from './start-check.js'
import { type HttpTarget, httpTarget } from './target.js'
import { type Intention, type ItemOutcome, intend, keptNote, policyOf, send, type UndoShell } from './undo.js'

/** Reads of one step at a time; the target's own limits are the connections. */
const READS_AT_ONCE = 8
/** Paths named in `how`; the ledger is not the place for hundreds. */
const PATHS_NAMED = 3

/**
 * A system that is reached over HTTP. The target cannot record our effect together with its own, so repeats are made
 * harmless by three things: a read before every undo, an idempotency key of the step, and a probe of every doubtful answer.
 * @param environment fills in `${NAME}` in the adapter's section, as far as the caller has not.
 * @throws ContractError when the contract does not fit, naming every key.
 */
export function createHttpAdapter(context: AdapterContext, environment: Environment = process.env): Adapter {
  return new HttpAdapter(context, httpTarget(context.contract, environment))
}

class HttpAdapter implements Adapter {
  readonly kind = 'http'
  readonly features = { atomicEffect: false, findsActions: false, fence: 'none' } as const
  readonly #client: HttpClient
  readonly #now = Date.now

  constructor(
    private readonly context: AdapterContext,
    private readonly target: HttpTarget,
  ) {
    this.#client = new HttpClient(target, this.#now)
  }

  async start(): Promise<void> {
    const problem = await checkTarget(this.#client, this.target)
    if (problem)
      throw new ContractError(
        `contract ${this.context.contract.system} ${this.context.contract.version}: ${problem}`,
      )
    this.context.log.info({ host: this.target.options.baseUrl.host }, 'http target reached')
  }

  /** The target has no place for a mark, and does not know its actions by correlation ID: nothing stops, nothing is found. */
  async fence(requests: readonly FenceRequest[]) {
    return requests.map(({ rollbackId }) => ({ kind: 'fenced', rollbackId, found: [] }) as const)
  }

  async undo(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    if (work.resolution === 'merge')
      return {
        kind: 'failed',
        code: 'contract',
        message: `step ${work.stepId} of ${work.rollbackId}: an http undo cannot restore single fields`,
        hint: 'Resolve with keep or force, or by hand.',
      }
    const items = itemsOf(this.target, work)
    if ('kind' in items) return items
    const shell = this.#shell(signal)
    // All is read before anything is sent, so that a conflict finds the step untouched.
    const intentions = await mapBounded(items, READS_AT_ONCE, item => intend(shell, work, item))
    const failure = intentions.find(each => each.kind === 'failed')
    if (failure) return failure
    const differences = intentions.flatMap(each => (each.kind === 'conflict' ? each.differences : []))
    if (differences.length > 0) return { kind: 'conflict', differences }
    return this.#act(shell, work, intentions as readonly Exclude<Intention, HttpFailure>[])
  }

  async #act(
    shell: UndoShell,
    work: StepWork,
    intentions: readonly Exclude<Intention, HttpFailure>[],
  ): Promise<UndoResult> {
    const notes: string[] = []
    let sent = 0
    let before = true
    for (const intention of intentions) {
      const { item } = intention.reading
      if (intention.kind === 'keep') notes.push(keptNote(item))
      if (intention.kind !== 'send') continue
      const outcome = await send(shell, work, item, intention.request)
      if (outcome.kind !== 'done') return stopped(outcome, sent, intentions.length)
      if (outcome.note !== null) notes.push(outcome.note)
      before &&= outcome.before
      sent++
    }
    const fromDigest = digestOf(intentions.map(each => each.reading))
    return { kind: 'applied', before, items: intentions.length, fromDigest, notes }
  }

  async probe(
    work: StepWork,
    signal: AbortSignal,
    patience: 'settle' | 'glance' = 'settle',
  ): Promise<ProbeResult> {
    const items = itemsOf(this.target, work)
    if ('kind' in items) return items
    await this.context.failpoint('http.before-read')
    const found = await mapBounded(items, READS_AT_ONCE, item =>
      readUntilRestored(
        this.#client,
        item,
        this.#now,
        signal,
        reading => patience === 'glance' || isKept(work, item, reading),
      ),
    )
    await this.context.failpoint('http.after-read')
    const readings: Reading[] = []
    for (const each of found) {
      if (each.kind === 'failed') return each
      readings.push(each)
    }
    const open = readings.filter(reading => !reading.restored)
    return {
      kind: 'seen',
      restored: readings.length - open.length,
      expected: readings.length,
      kept: open.filter(reading => isKept(work, reading.item, reading)).length,
      digest: digestOf(readings),
      differences: open.flatMap(reading => differencesOf(reading, 'restored')),
      how: howOf(items),
    }
  }

  async preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview> {
    const items = itemsOf(this.target, work)
    if ('kind' in items) return { items: 0, conflicts: [], problems: [items.message] }
    const shell = this.#shell(signal)
    const intentions = await mapBounded(items, READS_AT_ONCE, item => intend(shell, work, item))
    const conflicts: FieldDifference[] = intentions.flatMap(each =>
      each.kind === 'conflict' ? each.differences : [],
    )
    const problems = intentions.flatMap(each => (each.kind === 'failed' ? [each.message] : []))
    return {
      items: intentions.filter(each => each.kind === 'send' || each.kind === 'conflict').length,
      conflicts,
      problems,
    }
  }

  async stop(): Promise<void> {
    await this.#client.close()
  }

  #shell(signal: AbortSignal): UndoShell {
    const keyRetentionMs = this.target.options.keyRetention
    return {
      client: this.#client,
      now: this.#now,
      signal,
      keyRetentionMs,
      failpoint: name => this.context.failpoint(name),
    }
  }
}

/** Items before this one are undone; their keys and their state keep them from being undone again. */
function stopped(outcome: Exclude<ItemOutcome, { kind: 'done' }>, sent: number, all: number): UndoResult {
  if (sent === 0) return outcome
  const share = `${sent} of ${all} items were undone before; they are not repeated`
  if (outcome.kind === 'failed') return { ...outcome, message: `${outcome.message}; ${share}` }
  // Not the outcome "conflict": that one promises that nothing was changed.
  const names = outcome.differences.map(({ item, field }) => `${item}${field}`).join(', ')
  const message = `${names} was changed between the read and the undo; ${share}`
  return {
    kind: 'failed',
    code: 'conflict',
    message,
    hint: 'See the newer data, then resolve the step with keep or force.',
  }
}

/**
 * Kept is only what somebody chose to keep and what is newer than the action. Where the contract does not say what the
 * action left behind, that choice must be a named actor's: otherwise an undo that never happened would pass for it.
 */
function isKept(work: StepWork, item: Item, reading: Reading): boolean {
  if (reading.restored || policyOf(work, item) !== 'keep') return false
  return item.left.length > 0 ? !reading.asLeft : work.resolution === 'keep'
}

function digestOf(readings: readonly Reading[]): string {
  return hashText(canonicalJson(readings.map(valuesOf) as Json))
}

function howOf(items: readonly Item[]): string {
  const paths = items.slice(0, PATHS_NAMED).map(item => `GET ${item.probe.path.split('?', 1)[0]}`)
  const more = items.length > PATHS_NAMED ? ` and ${items.length - PATHS_NAMED} more` : ''
  return paths.join(', ') + more
}
