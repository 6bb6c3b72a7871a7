import { setTimeout as wait } from 'node:timers/promises'
import type { StepWork, UndoResult } from '../../adapter/port.js'
import type { HttpClient } from '../http/client.js'
import { mapBounded } from '../http/map-bounded.js'
import { type Eyes, type Move, moveOf, placeOf, positionOf } from './decide.js'
import { type FlagFailure, failed } from './failure.js'
import { unhealthyBecause } from './health.js'
import type { Item } from './item.js'
import type { FlagProvider, FlagReading } from './provider.js'
import { digestOf, pick } from './state.js'

/** What a way down needs besides the flags. */
export interface Shell extends Eyes {
  readonly provider: FlagProvider
  readonly monitor: HttpClient | null
  readonly signal: AbortSignal
  /** Epoch ms. */
  readonly now: () => number
  failpoint(name: string): Promise<void>
}

/** A flag, where it stands, and what comes next. */
export interface Seen {
  readonly item: Item
  readonly reading: FlagReading
  readonly move: Move
}

const READS_AT_ONCE = 8
/** A flag that others write all the time is left to people. */
const TRIES = 5

/** Reads every flag and decides about each; writes nothing. */
export async function look(
  shell: Shell,
  items: readonly Item[],
  work: StepWork,
): Promise<readonly Seen[] | FlagFailure> {
  const seen = await mapBounded(items, READS_AT_ONCE, async (item): Promise<Seen | FlagFailure> => {
    const { provider, signal } = shell
    const { timeoutMs } = item.action
    const reading = await provider.read(item.flag, timeoutMs, signal)
    if (reading.kind === 'failed') return reading
    const position = positionOf(item, reading.state, shell).kind
    const isOnTheWay = position === 'stage' || position === 'between'
    const ours = isOnTheWay ? await provider.marked(item.flag, markOf(work), timeoutMs, signal) : false
    if (typeof ours !== 'boolean') return ours
    return { item, reading, move: moveOf(item, reading.state, ours, work, shell) }
  })
  const failure = seen.find(each => 'kind' in each)
  return failure ? (failure as FlagFailure) : (seen as Seen[])
}

export function markOf({ key, rollbackId }: StepWork) {
  return { key, rollbackId }
}

/**
 * Takes the flags of a step down together: all of them one stage, a rest, the next. Each round reads the target again, so
 * whoever wrote meanwhile is met as a conflict, and a process that takes over goes on where the flags stand.
 */
export class Descent {
  readonly #rested = new Map<Item, number>()
  readonly #finished = new Set<Item>()
  readonly #tries = new Map<string, number>()
  readonly #notes: string[] = []
  #writes = 0
  #fromDigest: string | null = null
  #last: readonly Seen[] = []

  constructor(
    private readonly shell: Shell,
    private readonly items: readonly Item[],
    private readonly work: StepWork,
  ) {}

  async run(): Promise<UndoResult> {
    for (;;) {
      const seen = await look(this.shell, this.items, this.work)
      if ('kind' in seen) return this.#stopped(seen)
      this.#last = seen
      this.#fromDigest ??= digestOf(seen.map(({ item, reading }) => pick(reading.state, item.fields)))
      const differences = seen.flatMap(({ move }) => (move.kind === 'conflict' ? move.differences : []))
      if (differences.length > 0) {
        if (this.#writes === 0) return { kind: 'conflict', differences }
        const names = differences.map(each => `${each.item}.${each.field}`).join(', ')
        return this.#stopped(
          failed(
            'conflict',
            `${names} was changed by somebody else on the way down`,
            'See the newer state, then resolve the step with keep or force.',
          ),
        )
      }
      const open = seen.filter(({ item, move }) => move.kind === 'write' && !this.#finished.has(item))
      if (open.length === 0) return this.#applied(seen)
      const rest = await this.#rest(open)
      if (rest === 'rested') continue
      const failure = rest ?? this.#halted() ?? (await this.#step(open))
      if (failure) return this.#stopped(failure)
    }
  }

  /** Rests on the stage reached, once. @returns null when there is nothing to rest for. */
  async #rest(open: readonly Seen[]): Promise<'rested' | FlagFailure | null> {
    const resting = open.filter(
      ({ item, move }) => move.kind === 'write' && move.from !== null && this.#rested.get(item) !== move.from,
    )
    if (resting.length === 0) return null
    await this.shell.failpoint('flags.stage-reached')
    const bakeMs = Math.max(...resting.map(({ item }) => item.action.undo.staging?.bake ?? 0))
    const failure = await this.#bake(resting, this.shell.now() + bakeMs)
    if (failure) return failure
    for (const { item, move } of resting)
      if (move.kind === 'write' && move.from !== null) this.#rested.set(item, move.from)
    return 'rested'
  }

  /** Health is asked all the while, and once more at the end: going on with a sick system would hide what made it sick. */
  async #bake(resting: readonly Seen[], end: number): Promise<FlagFailure | null> {
    const { monitor, now, signal } = this.shell
    const probes = resting.flatMap(({ item }) => item.action.undo.staging?.health ?? [])
    const halt = this.work.halt
    const ended = halt ? AbortSignal.any([signal, halt]) : signal
    for (;;) {
      const left = end - now()
      const pauseMs = Math.min(left, ...probes.map(probe => probe.every))
      if (pauseMs > 0) await wait(pauseMs, undefined, { signal: ended }).catch(() => undefined)
      const halted = this.#halted()
      if (halted) return halted
      for (const probe of new Set(probes)) {
        const problem = monitor
          ? await unhealthyBecause(monitor, probe, ended, now)
          : 'nobody to ask for health'
        if (problem !== null)
          return failed(
            'contract',
            `the health probe does not agree: ${problem}; the staging stops here`,
            'See what is wrong. A retry goes on from the stage reached; resolve with force skips the stages; abort leaves it.',
          )
      }
      const stopped = this.#halted()
      if (stopped) return stopped
      if (now() >= end) return null
    }
  }

  /** A person stopped the rollback, or the process ends: nothing more is written. */
  #halted(): FlagFailure | null {
    const { signal } = this.shell
    const halt = this.work.halt
    if (halt?.aborted && halt.reason === 'pause')
      return failed(
        'transient',
        'the rollback was paused',
        'After resume, it goes on from the stage reached.',
      )
    if (halt?.aborted && halt.reason === 'abort')
      return failed(
        'contract',
        'the rollback was aborted; the staging stops here',
        'The flags stay where they are; set them by hand, or roll back anew.',
      )
    if (signal.aborted || halt?.aborted)
      return failed('transient', 'the sidecar stopped', 'The next process goes on from the stage reached.')
    return null
  }

  /** Writes the next stage of every flag that is not at its end. */
  async #step(open: readonly Seen[]): Promise<FlagFailure | null> {
    for (const seen of open) {
      const failure = await this.#write(seen)
      if (failure) return failure
    }
    return null
  }

  async #write({ item, reading, move }: Seen): Promise<FlagFailure | null> {
    if (move.kind !== 'write') return null
    const { provider, signal } = this.shell
    const place = move.to === null ? 'restored' : `${item.rungs[move.to]!.percentage} %`
    const which = `${item.flag} → ${place}`
    const tries = (this.#tries.get(which) ?? 0) + 1
    this.#tries.set(which, tries)
    if (tries > TRIES)
      return failed(
        'transient',
        `flag ${item.flag} was written by others, or did not take the change, in ${TRIES} tries`,
        'See who writes it, in the audit of the flag store.',
      )
    await this.shell.failpoint('flags.before-write')
    const outcome = await provider.write(
      {
        flag: item.flag,
        change: move.change,
        reading,
        mark: markOf(this.work),
        note: `rollback ${this.work.rollbackId}, step ${this.work.stepId}: ${which}`,
      },
      item.action.timeoutMs,
      signal,
    )
    await this.shell.failpoint('flags.after-write')
    if (outcome.kind === 'failed') return outcome
    if (outcome.kind === 'changed') return null
    this.#writes++
    this.#notes.push(which)
    this.work.progress?.(which)
    if (move.to === null) this.#finished.add(item)
    return null
  }

  #applied(seen: readonly Seen[]): UndoResult {
    const kept = seen.filter(({ move }) => move.kind === 'kept')
    const notes = [
      ...this.#notes,
      ...kept.map(({ item }) => `${item.flag}: kept, newer than the action`),
      ...(this.#writes > 0 ? [`state before it: ${this.shell.provider.archive}`] : []),
    ]
    return {
      kind: 'applied',
      before: this.#writes === 0,
      items: this.items.length,
      fromDigest: this.#fromDigest,
      notes,
    }
  }

  /** What was reached is said: whoever decides what comes next must know how many people still have the feature. */
  #stopped(failure: FlagFailure): FlagFailure {
    if (this.#last.length === 0) return failure
    const staged = this.#last.filter(({ item }) => item.rungs.length > 0)
    if (this.#writes === 0 && !staged.some(({ move }) => move.kind === 'write' && move.from !== null))
      return failure
    const places = this.#last.map(({ item, reading }) => {
      const done = this.#finished.has(item) ? 'restored' : placeOf(item, reading.state, this.shell)
      return `${item.flag} ${done}`
    })
    return { ...failure, message: `${failure.message}; reached: ${places.join(', ')}` }
  }
}
