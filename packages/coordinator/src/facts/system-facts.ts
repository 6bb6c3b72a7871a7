import type { StallFacts, SystemFacts } from '@unwind/core'
import { type LogAdmin, systemTimers, type Timers } from '@unwind/runtime'
import type { Announced } from '../contracts/contracts-view.js'

export interface FactsOptions {
  readonly admin: Pick<LogAdmin, 'committed' | 'members'>
  readonly ledger: string
  readonly announced: () => ReadonlyMap<string, Announced>
  /** Consumer group of a system's sidecars. */
  groupOf(system: string): string
  readonly logger: { warn(fields: object, message: string): void }
  /** Epoch ms. */
  now(): number
  /** Default: the system's. */
  readonly timers?: Timers
}

interface Look {
  readonly at: number
  readonly members: number
  readonly committed: ReadonlyMap<number, bigint | null>
}

/** A look serves all rollbacks that ask within this time: a thousand overdue ones must not become a thousand requests. */
const FRESH_MS = 1_000
/** After the broker answers again, everybody needs time to rejoin and catch up: the longer it was away, the more. */
const CATCH_UP_MS = { least: 15_000, most: 60_000 }
/** The next look comes when the last one explains nothing any more, and takes a while to fail: still the same outage. */
const SAME_WITHIN_MS = 60_000

const SLOW_ANSWER_MS = 2_000

/** What stands behind the systems, asked only when something is overdue. */
export class SystemFactsSource {
  readonly #looks = new Map<string, Promise<Look>>()
  readonly #membersSeenAt = new Map<string, number>()
  #outageSince = 0
  #outageUntil: number | null = null

  constructor(private readonly options: FactsOptions) {}

  /**
   * The broker did not answer, or did not take a record.
   * @param since when it was asked, epoch ms; default: just now.
   */
  noteOutage(since = this.options.now()): void {
    const now = this.options.now()
    if (this.#outageUntil === null || since > this.#outageUntil + SAME_WITHIN_MS) this.#outageSince = since
    const { least, most } = CATCH_UP_MS
    this.#outageUntil = now + Math.min(most, Math.max(least, now - this.#outageSince))
  }

  /** @param from where the rollback begins: what a system's group has committed beyond it, it has read. */
  async of(
    systems: readonly string[],
    from: { readonly partition: number; readonly offset: bigint },
  ): Promise<StallFacts> {
    const found = await Promise.all(
      systems.map(async system => [system, await this.#system(system, from)] as const),
    )
    return { now: this.options.now(), brokerOutageUntil: this.#outageUntil, systems: new Map(found) }
  }

  async #system(system: string, from: { partition: number; offset: bigint }): Promise<SystemFacts> {
    const announcedAt = this.options.announced().get(system)?.at ?? null
    const membersSeenAt = () => this.#membersSeenAt.get(system) ?? null
    try {
      const { members, committed } = await this.#look(system)
      const next = committed.get(from.partition) ?? null
      // A group holds its offset back at its oldest open rollback, so only one beyond this rollback says something.
      const lag = next !== null && next > from.offset ? 0 : null
      return { announcedAt, lag, members, membersSeenAt: membersSeenAt() }
    } catch (error) {
      this.noteOutage()
      this.options.logger.warn({ system, reason: String(error) }, 'the broker does not say who is there')
      return { announcedAt, lag: null, members: null, membersSeenAt: membersSeenAt() }
    }
  }

  #look(system: string): Promise<Look> {
    const known = this.#looks.get(system)
    if (known) return known
    const look = this.#ask(system)
    this.#looks.set(system, look)
    const { timers = systemTimers } = this.options
    timers.after(FRESH_MS, () => this.#looks.delete(system))
    return look
  }

  async #ask(system: string): Promise<Look> {
    const { admin, ledger, now } = this.options
    const group = this.options.groupOf(system)
    const asked = now()
    const [{ clientIds }, committed] = await Promise.all([
      admin.members(group),
      admin.committed(group, ledger),
    ])
    const at = now()
    // An answer that was long in coming was asked of a broker that was away: its groups are only now coming together again.
    if (at - asked > SLOW_ANSWER_MS) this.noteOutage(asked)
    if (clientIds.length > 0) this.#membersSeenAt.set(system, at)
    return { at, members: clientIds.length, committed }
  }
}
