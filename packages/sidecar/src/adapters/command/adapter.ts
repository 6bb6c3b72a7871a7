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
import type { Environment } from '../http/environment.js'
import { digestOf, howOf, stopped } from './answers.js'
import { checkExecutable } from './executable.js'
import { type Item, itemsOf } from './item.js'
import type { CommandFailure } from './judge.js'
import { Programs } from './programs.js'
import { differences, type Reading, readOnce, readUntilRestored } from './reading.js'
import { awaitNoProcess } from './survivors.js'
import { type CommandTarget, compileCommandContract, targetOf } from './target.js'
import { act, type Intention, intend, isKept, keptNote, type UndoShell } from './undo.js'

/**
 * A system that is reached by running a program: a script or binary that knows how to take one entry back, and another
 * call of it that reads the state. The program cannot record our effect together with its own, so repeats are made
 * harmless by a read before every undo, the step's token, and a probe of every doubtful end.
 * @param environment fills in `${NAME}` in the adapter's section, and is what `environment.pass` takes from.
 * @throws ContractError when the contract does not fit, naming every key.
 */
export function createCommandAdapter(
  context: AdapterContext,
  environment: Environment = process.env,
): Adapter {
  const { contract } = context
  return new CommandAdapter(
    'command',
    context,
    targetOf(contract, compileCommandContract(contract, environment)),
    environment,
  )
}

export class CommandAdapter implements Adapter {
  readonly features = { atomicEffect: false, findsActions: false, fence: 'none' } as const
  readonly #programs: Programs

  constructor(
    readonly kind: 'command' | 'snapshot',
    private readonly context: AdapterContext,
    private readonly target: CommandTarget,
    environment: Environment,
  ) {
    this.#programs = new Programs(target.options, environment)
  }

  async start(): Promise<void> {
    const { contract } = this.context
    const problems: string[] = []
    for (const [action, key, path] of this.#paths()) {
      const found = await checkExecutable(path)
      if (found.kind === 'refused') problems.push(`  actions.${action}.${key}: ${found.why}. ${found.hint}`)
    }
    // Secrets' files are read now, so that a missing one is found before a rollback meets it.
    await this.#programs.check()
    if (problems.length > 0)
      throw new ContractError(
        `contract ${contract.system} ${contract.version} cannot be run here:\n${problems.join('\n')}`,
      )
    this.context.log.info({ actions: this.target.actions.size }, `${this.kind} target checked`)
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
        message: `step ${work.stepId} of ${work.rollbackId}: a program cannot restore single fields`,
        hint: 'Resolve with keep or force, or by hand.',
      }
    const items = itemsOf(this.target, work)
    if ('kind' in items) return items
    const busy = await this.#settled(work, items)
    if (busy) return busy
    const shell = this.#shell(work, signal)
    // All is read before anything is run, so that a conflict finds the step untouched.
    const readings = await this.#readAll(items, item => readOnce(shell.read, item))
    if ('kind' in readings)
      return { ...readings, message: `${readings.message}; read before the undo, which was not run` }
    const intentions = readings.map(reading => intend(work, reading))
    const differences = intentions.flatMap(each => (each.kind === 'conflict' ? each.differences : []))
    if (differences.length > 0) return { kind: 'conflict', differences }
    return this.#act(shell, work, intentions)
  }

  async #act(shell: UndoShell, work: StepWork, intentions: readonly Intention[]): Promise<UndoResult> {
    const notes: string[] = []
    let run = 0
    let before = true
    for (const { kind, reading } of intentions) {
      if (kind === 'keep') notes.push(keptNote(reading.item))
      if (kind !== 'run') continue
      const outcome = await act(shell, work, reading.item)
      if (outcome.kind !== 'done') return stopped(outcome, run, intentions.length)
      if (outcome.note !== null) notes.push(outcome.note)
      before &&= outcome.before
      run++
    }
    return {
      kind: 'applied',
      before,
      items: intentions.length,
      fromDigest: digestOf(intentions.map(each => each.reading)),
      notes,
    }
  }

  async probe(
    work: StepWork,
    signal: AbortSignal,
    patience: 'settle' | 'glance' = 'settle',
  ): Promise<ProbeResult> {
    const items = itemsOf(this.target, work)
    if ('kind' in items) return items
    const busy = await this.#settled(work, items)
    if (busy) return busy
    const { read } = this.#shell(work, signal)
    const readings = await this.#readAll(items, item =>
      readUntilRestored(read, item, signal, reading => patience === 'glance' || isKept(work, reading)),
    )
    if ('kind' in readings) return readings
    const open = readings.filter(reading => !reading.restored)
    return {
      kind: 'seen',
      restored: readings.length - open.length,
      expected: readings.length,
      kept: open.filter(reading => isKept(work, reading)).length,
      digest: digestOf(readings),
      differences: open.flatMap(reading => differences(reading, 'restored')),
      how: howOf(items),
    }
  }

  async preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview> {
    const items = itemsOf(this.target, work)
    if ('kind' in items) return { items: 0, conflicts: [], problems: [items.message] }
    const { read } = this.#shell(work, signal)
    const readings = await this.#readAll(items, item => readOnce(read, item))
    if ('kind' in readings) return { items: 0, conflicts: [], problems: [readings.message] }
    const intentions = readings.map(reading => intend(work, reading))
    return {
      items: intentions.filter(each => each.kind === 'run' || each.kind === 'conflict').length,
      conflicts: intentions.flatMap(each => (each.kind === 'conflict' ? each.differences : [])),
      problems: [],
    }
  }

  /** Calls under way are ended by the loop's signal; nothing is held open. */
  async stop(): Promise<void> {
    this.#programs.close()
  }

  /** One after the other, or as many at once as the contract allows. @returns the first failure, if there is one. */
  async #readAll(
    items: readonly Item[],
    read: (item: Item) => Promise<Reading | CommandFailure>,
  ): Promise<readonly Reading[] | CommandFailure> {
    const readings: Reading[] = []
    const found = await Promise.all(items.map(read))
    for (const each of found) {
      if (each.kind === 'failed') return each
      readings.push(each)
    }
    return readings
  }

  /**
   * A sidecar that was killed leaves its program running. Until that has ended, a read does not tell how the step ends, so
   * it gets the time that it would have had, and is ended then (I2).
   */
  async #settled(work: StepWork, items: readonly Item[]): Promise<CommandFailure | null> {
    const patienceMs = Math.max(0, ...items.map(item => item.action.timeoutMs))
    const { killAfter: killAfterMs } = this.target.options
    if (await awaitNoProcess(work.key, { patienceMs, killAfterMs })) return null
    return {
      kind: 'failed',
      code: 'unknown',
      message: `step ${work.stepId} of ${work.rollbackId}: a program of an earlier attempt still runs and cannot be ended`,
      hint: `Find the process whose environment holds UNWIND_STEP=${work.key}, end it, then retry the step.`,
    }
  }

  #shell(work: StepWork, signal: AbortSignal): UndoShell {
    const silent = () => {}
    return {
      read: this.#programs.runner(silent, signal),
      effect: this.#programs.runner(work.progress ?? silent, signal),
      signal,
      failpoint: name => this.context.failpoint(name),
    }
  }

  #paths(): (readonly [string, string, string])[] {
    return [...this.target.actions].flatMap(([name, { undo, probe, snapshot }]) => {
      const undoKey = snapshot ? 'undo.restore.run' : 'undo.run'
      const create = snapshot ? [[name, 'undo.create.run', snapshot.create.run] as const] : []
      return [[name, undoKey, undo.run] as const, ...create, [name, 'probe.run', probe.run] as const]
    })
  }
}
