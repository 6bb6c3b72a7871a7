import { setTimeout as sleep } from 'node:timers/promises'
import type { ReconciliationFinding } from '@unwind/contracts'
import { driftLine } from '@unwind/core'
import type { StepWork } from '../../adapter/port.js'
import { CallFailed, Database } from './database.js'
import { classify, parseDifferences } from './errors.js'
import type { PostgresOptions } from './options.js'
import type { Review } from './review.js'

interface LagRow {
  /** Milliseconds since the last replayed commit. Null: it is no physical replica, or it has replayed nothing yet. */
  behind: string | null
}

const LOOK_EVERY_MS = 250

/** A replica that readers are sent to: after a rollback it must come to show what the primary shows. */
export class Replica {
  readonly #database: Database
  /** For people; without credentials. */
  readonly name: string

  constructor(
    url: string,
    /** How long it may stay behind, milliseconds. */
    private readonly lagWithin: number,
    options: PostgresOptions,
    system: string,
  ) {
    this.#database = new Database({ ...options, url, pool: { max: 1 } }, `unwind ${system} replica`)
    this.name = nameOf(url)
  }

  /**
   * Reads the step's rows on the primary and here, until both are alike or the replica has had its time.
   * @param review reads the step on one of them. @throws CallFailed when the primary cannot be read.
   */
  async compare(
    work: StepWork,
    review: (database: Database | null) => Promise<Review>,
    signal: AbortSignal,
  ): Promise<readonly ReconciliationFinding[]> {
    const { stepId } = work
    const subject = `${stepId} ${this.name}`
    const deadline = performance.now() + this.lagWithin
    for (;;) {
      const primary = await review(null)
      let here: Review
      try {
        here = await review(this.#database)
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error
        const { message } = classify(error.reason, error.phase, true)
        return [
          {
            kind: 'unread',
            stepId,
            subject,
            message: `replica ${this.name} could not be read: ${message}`,
            details: [],
          },
        ]
      }
      if (alike(primary, here)) return []
      if (performance.now() > deadline) return [await this.#stale(work, subject, primary, here, signal)]
      await sleep(LOOK_EVERY_MS, undefined, { signal })
    }
  }

  end(): Promise<void> {
    return this.#database.end()
  }

  async #stale(
    { stepId }: StepWork,
    subject: string,
    primary: Review,
    here: Review,
    signal: AbortSignal,
  ): Promise<ReconciliationFinding> {
    const behind = await this.#behind(signal)
    const lag = behind === null ? 'how far it lags is not known' : `its last commit is ${behind} ms old`
    const shown = new Set(parseDifferences(primary.differences).map(driftLine))
    return {
      kind: 'stale-read',
      stepId,
      subject,
      message: `step ${stepId}: replica ${this.name} shows another state than the primary after ${this.lagWithin} ms (${here.restored} of ${here.expected} items restored there, ${primary.restored} of ${primary.expected} on the primary); ${lag}`,
      details: parseDifferences(here.differences)
        .map(driftLine)
        .filter(line => !shown.has(line)),
    }
  }

  async #behind(signal: AbortSignal): Promise<number | null> {
    try {
      const [row] = await this.#database.read<LagRow>(
        'unwind-lag',
        `SELECT CASE WHEN pg_is_in_recovery() THEN
           round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000)::text END AS behind`,
        [],
        signal,
      )
      return row?.behind == null ? null : Number(row.behind)
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      return null
    }
  }
}

function alike(a: Review, b: Review): boolean {
  return a.digest === b.digest && a.restored === b.restored && a.expected === b.expected && a.kept === b.kept
}

function nameOf(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `${host}${pathname}`
  } catch {
    return 'that the contract declares'
  }
}
