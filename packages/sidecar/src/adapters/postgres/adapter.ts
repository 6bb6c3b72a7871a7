import type { ConflictPolicy, FieldDifference, ReconciliationFinding } from '@unwind/contracts'
import { DatabaseError } from 'pg'
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
import { actionNamer, transactionsOf } from './actions.js'
import { CallFailed, Database } from './database.js'
import { classify, conflictOf, type Failure, parseDifferences } from './errors.js'
import { putFences } from './fences.js'
import { inFlight } from './in-flight.js'
import { type PostgresOptions, parseOptions } from './options.js'
import { CaptureRelay } from './relay.js'
import { Replica } from './replica.js'
import type { Review } from './review.js'
import { ident } from './sql/quote.js'
import { checkStart } from './start-check.js'

interface UndoRow {
  before: boolean
  items: string
  from_digest: string | null
  notes: string[]
}

/** @throws ContractError when the contract's part for this adapter is not as it must be. */
export function createPostgresAdapter(context: AdapterContext): Adapter {
  return new PostgresAdapter(context, parseOptions(context.contract))
}

/**
 * A PostgreSQL database whose changes are captured by triggers. Each step is one call of a function in the database: the
 * effect and its record are one transaction (I2), and the row that is overwritten is compared while it is locked (I6).
 */
class PostgresAdapter implements Adapter {
  readonly kind = 'postgres'
  readonly features
  readonly capture: CaptureRelay
  readonly #database: Database
  readonly #replica: Replica | null
  readonly #schema: string
  readonly #name
  #stopped: Promise<void> | undefined

  constructor(
    private readonly context: AdapterContext,
    private readonly options: PostgresOptions,
  ) {
    const { contract } = context
    this.features = {
      atomicEffect: true,
      findsActions: true,
      recordsCompensations: true,
      fence: options.fence === 'reject' ? 'stops' : 'exposes',
    } as const
    this.#schema = ident(options.schema)
    this.#name = actionNamer(contract, options)
    this.#database = new Database(options, `unwind ${contract.system}`)
    const { replica } = options.probe
    this.#replica = replica ? new Replica(replica.url, replica.lagWithin, options, contract.system) : null
    this.capture = new CaptureRelay(this.#database, {
      schema: options.schema,
      system: contract.system,
      retention: options.retention,
      name: this.#name,
      now: Date.now,
    })
  }

  async start(): Promise<void> {
    const { contract, log } = this.context
    const where = `contract ${contract.system}@${contract.version}`
    try {
      await this.#database.lend(client => checkStart(client, this.options, contract.system, where))
    } catch (error) {
      if (error instanceof ContractError) throw error
      const failure = classify(error, error instanceof DatabaseError ? 'sent' : 'connecting', true)
      throw new ContractError(`${where}: adapter.url: ${failure.message}. ${failure.hint}`)
    }
    log.info(
      { schema: this.options.schema, tables: Object.keys(this.options.capture.tables) },
      'capture is as the contract asks',
    )
  }

  async fence(requests: readonly FenceRequest[], signal: AbortSignal): Promise<readonly FenceReport[]> {
    const target = {
      database: this.#database,
      schema: this.options.schema,
      system: this.context.contract.system,
      name: this.#name,
    }
    await this.context.failpoint('postgres.fence.before')
    const reports = await putFences(target, requests, signal)
    await this.context.failpoint('postgres.fence.after')
    return reports
  }

  async undo(work: StepWork, signal: AbortSignal): Promise<UndoResult> {
    const found = transactionsOf(this.context.contract.system, work.actions)
    if ('stranger' in found) return { kind: 'failed', ...stranger(work, found.stranger) }
    await this.context.failpoint('postgres.undo.before')
    try {
      const rows = await this.#database.write<UndoRow>(
        'unwind-undo',
        `SELECT * FROM ${this.#schema}.undo($1, $2, $3, $4::xid8[], $5::smallint[], $6, $7)`,
        [
          work.key,
          work.rollbackId,
          work.correlationId,
          found.xids,
          found.parts,
          work.resolution,
          this.#policy(work),
        ],
        signal,
      )
      await this.context.failpoint('postgres.undo.after')
      const { before, items, from_digest, notes } = rows[0]!
      return { kind: 'applied', before, items: Number(items), fromDigest: from_digest, notes }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      const differences = conflictOf(error.reason)
      return differences
        ? { kind: 'conflict', differences }
        : { kind: 'failed', ...this.#failure(error, work, false) }
    }
  }

  async probe(work: StepWork, signal: AbortSignal): Promise<ProbeResult> {
    const found = transactionsOf(this.context.contract.system, work.actions)
    if ('stranger' in found) return { kind: 'failed', ...stranger(work, found.stranger) }
    await this.context.failpoint('postgres.probe.before')
    try {
      const row = await this.#review(work.key, work, found, signal)
      await this.context.failpoint('postgres.probe.after')
      return {
        kind: 'seen',
        restored: Number(row.restored),
        // A truncated table lost rows that nobody counted; its part can never look restored (I3).
        expected: Number(row.expected) + row.truncated.length,
        kept: Number(row.kept),
        digest: row.digest,
        differences: [...parseDifferences(row.differences), ...row.truncated.map(truncation)],
        how: this.#how,
      }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      return { kind: 'failed', ...this.#failure(error, work, true) }
    }
  }

  async preview(work: StepWork, signal: AbortSignal): Promise<UndoPreview> {
    const found = transactionsOf(this.context.contract.system, work.actions)
    if ('stranger' in found)
      return { items: 0, conflicts: [], problems: [stranger(work, found.stranger).message] }
    try {
      const row = await this.#review(work.key, work, found, signal)
      const conflicts = parseDifferences(
        row.differences.filter(difference => difference.verdict === 'conflict'),
      )
      const problems = row.truncated.map(table => `${table} was truncated: that cannot be undone`)
      return { items: Number(row.expected), conflicts, problems }
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      const failure = this.#failure(error, work, true)
      return { items: 0, conflicts: [], problems: [`${failure.message} ${failure.hint}`.trim()] }
    }
  }

  async inspect(work: StepWork, signal: AbortSignal): Promise<readonly ReconciliationFinding[]> {
    const open = await inFlight(this.#database, this.options.schema, work, signal)
    const found = transactionsOf(this.context.contract.system, work.actions)
    if (!this.#replica || 'stranger' in found) return open
    const review = (database: Database | null) =>
      this.#review(work.key, work, found, signal, database ?? this.#database)
    return [...open, ...(await this.#replica.compare(work, review, signal))]
  }

  stop(): Promise<void> {
    this.#stopped ??= this.capture
      .stop()
      .then(() => Promise.all([this.#database.end(), this.#replica?.end()]))
      .then(() => undefined)
    return this.#stopped
  }

  async #review(
    key: string,
    work: StepWork,
    found: { xids: readonly string[]; parts: readonly number[] },
    signal: AbortSignal,
    database = this.#database,
  ): Promise<Review> {
    const rows = await database.read<Review>(
      'unwind-review',
      `SELECT * FROM ${this.#schema}.review($1, $2, $3::xid8[], $4::smallint[])`,
      [key, work.correlationId, found.xids, found.parts],
      signal,
    )
    return rows[0]!
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

function truncation(table: string): FieldDifference {
  return { item: table, field: '', before: null, after: '"truncated"', current: null }
}
