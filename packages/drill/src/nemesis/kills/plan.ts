import { CLIENT_FAILPOINTS, COORDINATOR_FAILPOINTS, SIDECAR_FAILPOINTS } from '@unwind/runtime'
import type { Random } from '../../simulation/engine/random.js'

export type Role = 'book' | 'payments' | 'coordinator' | 'client'

/** Failpoints that only adapters of other kinds pass: their own fault tests kill there. */
const ELSEWHERE = /^(?:command|flags|redis|mysql|snapshot|config)\.|-reversal$/
/** Only where a database stands behind the sidecar, or an API. */
const OF_BOOKS = /^(?:postgres|relay)\.|^ledger\.(?:late|parked)/
/** Where the effect and its record are one transaction, an intent is told only if it takes long: nobody can count on it. */
const OF_PAYMENTS = /^http\.|^ledger\.(?:failed|started)/
/** Passed once in the life of a process, or a few times: killed at the first. */
const AT_START = /^group\.|^sidecar\.(?:before-announcing|contract-published|announced)/

/** Few, so that a process gets some of its work done before one of them is its end. */
const ARMED_AT_ONCE = 3
/** A process is killed at the latest at this passing. All orders go through one client, which must get more done than the others. */
const LATEST: Readonly<Record<Role, number>> = { book: 8, payments: 8, coordinator: 8, client: 40 }

/** Roles whose processes pass a failpoint. */
export function rolesOf(failpoint: string): readonly Role[] {
  if (ELSEWHERE.test(failpoint)) return []
  const has = (list: readonly string[]) => list.includes(failpoint)
  const roles: Role[] = []
  if (has(SIDECAR_FAILPOINTS)) {
    if (!OF_PAYMENTS.test(failpoint)) roles.push('book')
    if (!OF_BOOKS.test(failpoint)) roles.push('payments')
  }
  if (has(COORDINATOR_FAILPOINTS)) roles.push('coordinator')
  if (has(CLIENT_FAILPOINTS)) roles.push('client')
  return roles
}

/** Every failpoint that some process of the site passes. */
export function failpointsOfSite(): readonly string[] {
  const all = new Set<string>([...SIDECAR_FAILPOINTS, ...COORDINATOR_FAILPOINTS, ...CLIENT_FAILPOINTS])
  return [...all].filter(name => rolesOf(name).length > 0)
}

/** How many kills are still to come at each failpoint that processes of one role pass. */
export class Agenda {
  readonly #left: Map<string, number>

  constructor(
    wanted: ReadonlyMap<string, number>,
    private readonly latest = 3,
  ) {
    this.#left = new Map(wanted)
  }

  get empty(): boolean {
    return this.#left.size === 0
  }

  get left(): readonly string[] {
    return [...this.#left.keys()]
  }

  /**
   * Failpoints to arm in one process, as `UNWIND_FAILPOINTS` wants them: whichever it passes first, at its n-th time, is its end.
   * Several at once, so that no process waits long for a rare one, and first of all those with most kills to come: beside one that is
   * passed all the time a rare one would never be the end.
   * @param any after a process that passed none of its own: all alike, or a lane would wait for ever for what cannot be reached.
   */
  arm(random: Random, any = false): string {
    const names = [...this.left]
    shuffle(names, random)
    if (!any) names.sort((a, b) => this.#left.get(b)! - this.#left.get(a)!)
    const nth = (name: string) => (AT_START.test(name) ? 1 : random.between(1, this.latest))
    return names
      .slice(0, ARMED_AT_ONCE)
      .map(name => `${name}=kill@${nth(name)}`)
      .join(',')
  }

  done(failpoint: string): void {
    const left = (this.#left.get(failpoint) ?? 0) - 1
    if (left > 0) this.#left.set(failpoint, left)
    else this.#left.delete(failpoint)
  }

  /** It cannot be reached: nobody waits for it any more. */
  giveUp(): void {
    this.#left.clear()
  }
}

/** So many kills at each failpoint, shared among the roles that pass it. */
export function planKills(failpoints: readonly string[], kills: number): Map<Role, Agenda> {
  const wanted = new Map<Role, Map<string, number>>()
  for (const failpoint of failpoints) {
    const roles = rolesOf(failpoint)
    for (let i = 0; i < kills; i++) {
      const role = roles[i % roles.length]!
      const counts = wanted.get(role) ?? new Map<string, number>()
      wanted.set(role, counts.set(failpoint, (counts.get(failpoint) ?? 0) + 1))
    }
  }
  return new Map([...wanted].map(([role, counts]) => [role, new Agenda(counts, LATEST[role])]))
}

function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.between(0, i)
    const swap = items[i]!
    items[i] = items[j]!
    items[j] = swap
  }
}
