import type { ConflictPolicy, FieldDifference } from '@unwind/contracts'
import {
  type Adapter,
  type AdapterContext,
  ContractError,
  type FenceReport,
  type FenceRequest,
  type ProbeResult,
  type StepWork,
  type UndoPreview,
  type UndoResult,
} from '../../adapter/port.js'
import { actionNamer, entriesOf } from './actions.js'
import { CallFailed, Database, sessionOn } from './database.js'
import { classify, type Failure, StepConflict } from './errors.js'
import { putFences } from './fences.js'
import { type MysqlOptions, parseOptions } from './options.js'
import { CaptureRelay } from './relay.js'
import { checkStart } from './start-check.js'
import { CapturedTables } from './step/captured.js'
import { prepareReview, type Review, review } from './step/review.js'
import { type StepContext, undoStep } from './step/undo.js'

/** @throws ContractError when the contract's part for this adapter is not as it must be. */
export function createMysqlAdapter(context: AdapterContext): Adapter {
  return new MysqlAdapter(context, parseOptions(context.contract))
}

/**
 * A MariaDB database whose changes are captured by triggers. Each step is one transaction: the effect and its record are committed
 * together (I2), and a row that is overwritten is compared while it is locked (I6). Images never leave the database, except in
 * the difference that a conflict shows to a person.
 */
class MysqlAdapter implements Adapter {
  readonly kind: string
  readonly features
  readonly capture: CaptureRelay
  readonly #connections: Database
  readonly #tables: CapturedTables
  readonly #name
  #stopped: Promise<void> | undefined

  constructor(
    private readonly context: AdapterContext,
    private readonly options: MysqlOptions,
  ) {
    const { contract } = context
    this.kind = options.kind
    this.features = {
      atomicEffect: true,
      findsActions: true,
      recordsCompensations: true,
      fence: options.fence === 'reject' ? 'stops' : 'exposes',
    } as const
    this.#name = actionNamer(contract, options)
    this.#connections = new Database(options)
    this.#tables = new CapturedTables(options.database)
    this.capture = new CaptureRelay(this.#connections, {
      database: options.database,
      system: contract.system,
      retention: options.retention,
      tables: this.#tables,
      name: this.#name,
      now: Date.now,
    })
  }

  async start(): Promise<void> {
    const { contract, log } = this.context
    const where = `contract ${contract.system}@${contract.version}`
    let connected = false
    try {
      const connection = await this.#connections.connect()
      connected = true
      try {
        await checkStart(sessionOn(connection), this.options, contract.system, where)
      } finally {
        connection.destroy()
      }
    } catch (error) {
      if (error instanceof ContractError) throw error
      const failure = classify(error, connected ? 'working' : 'connecting', true)
      throw new ContractError(`${where}: adapter.url: ${failure.message}. ${failure.hint}`)
    }
    log.info(
      { database: this.options.database, tables: Object.keys(this.options.capture.tables) },
      'capture is as the contract asks',
    )
  }

  fence(requests: readonly FenceRequest[], signal: AbortSignal): Promise<readonly FenceReport[]> {
    const target = {
      connections: this.#connections,
      tables: this.#tables,
      database: this.options.database,
      system: this.context.contract.system,
      mode: this.options.fence,
      patience: this.options.lockTimeout,
      name: this.#name,
    }
    return putFences(target, requests, signal)
  }

  async undo(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    const found = entriesOf(this.context.contract.system, work.actions)
    if ('stranger' in found) return { kind: 'failed', ...stranger(work, found.stranger) }
    await this.context.failpoint('mysql.undo.before')
    try {
      const effect = await this.#connections.write(
        'step',
        async session => {
          const done = await undoStep(session, this.#step(work), work, found.ids)
          await this.context.failpoint('mysql.undo.inside')
          return done
        },
        signal,
      )
      await this.context.failpoint('mysql.undo.after')
      return { kind: 'applied', ...effect }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      if (error.reason instanceof StepConflict)
        return { kind: 'conflict', differences: error.reason.differences }
      return { kind: 'failed', ...this.#failure(error, work, false) }
    }
  }

  async probe(work: StepWork, signal: AbortSignal): Promise<ProbeResult> {
    const found = entriesOf(this.context.contract.system, work.actions)
    if ('stranger' in found) return { kind: 'failed', ...stranger(work, found.stranger) }
    try {
      const seen = await this.#review(work, found.ids, null, signal)
      return {
        kind: 'seen',
        restored: seen.restored,
        // A table of which changes were not seen can never look restored (I3).
        expected: seen.expected + seen.unseen.length,
        kept: seen.kept,
        digest: seen.digest,
        differences: [...seen.differences, ...seen.unseen.map(unseenChange)],
        how: this.#how,
      }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      return { kind: 'failed', ...this.#failure(error, work, true) }
    }
  }

  async preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview> {
    const found = entriesOf(this.context.contract.system, work.actions)
    if ('stranger' in found)
      return { items: 0, conflicts: [], problems: [stranger(work, found.stranger).message] }
    try {
      const seen = await this.#review(work, found.ids, 'conflict', signal)
      const problems = seen.unseen.map(
        table => `${table}: a foreign key changed rows that no log holds: that cannot be undone`,
      )
      return { items: seen.expected, conflicts: seen.differences, problems }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      const failure = this.#failure(error, work, true)
      return { items: 0, conflicts: [], problems: [`${failure.message} ${failure.hint}`.trim()] }
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.capture.stop().then(() => this.#connections.end())
    return this.#stopped
  }

  #review(
    work: StepWork,
    ids: readonly string[],
    only: 'conflict' | null,
    signal: AbortSignal,
  ): Promise<Review> {
    const step = this.#step(work)
    return this.#connections.read(
      session => prepareReview(session, step, work, ids),
      (session, prepared) => review(session, step, work.key, prepared, only),
      signal,
    )
  }

  #step(work: StepWork): StepContext {
    return { database: this.options.database, tables: this.#tables, policy: this.#policy(work) }
  }

  get #how(): string {
    const tables = Object.values(this.options.capture.tables)
    const delta = tables.some(table => table.delta.length > 0)
      ? '; delta columns by the differences that the undo left in the log'
      : ''
    return `select by key in a read-only transaction of its own${delta}`
  }

  /** What the contract says for these actions where the table says nothing; if they disagree, a person decides. */
  #policy(work: StepWork): ConflictPolicy {
    const policies = new Set(
      work.actions.map(action => this.context.actionContract(action.action)?.onConflict ?? 'park'),
    )
    return policies.size === 1 ? [...policies][0]! : 'park'
  }

  #failure(error: CallFailed, work: StepWork, reading: boolean): Failure {
    const failure = classify(error.reason, error.phase, reading)
    return { ...failure, message: `rollback ${work.rollbackId}, step ${work.stepId}: ${failure.message}` }
  }
}

function stranger(work: StepWork, actionId: string): Failure {
  return {
    code: 'contract',
    message: `rollback ${work.rollbackId}, step ${work.stepId}: action ${actionId} was not captured by this database`,
    hint: 'Record actions of this system by its capture only, or undo this one by hand and resolve the step.',
  }
}

function unseenChange(table: string): FieldDifference {
  return { item: table, field: '', before: null, after: '"changed by a foreign key"', current: null }
}
