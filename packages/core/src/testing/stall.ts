import { DEFAULT_STALL_OPTIONS, type Stall, type StallFacts, type SystemFacts } from '../stall/stall.js'
import { stalls } from '../stall/stalls.js'
import type { RollbackState } from '../unwind/state.js'
import { facts, lookup } from './planning.js'

/** A system whose sidecar is up, seen at `now`, and has read everything. */
export const present = (now: number, over: Partial<SystemFacts> = {}): SystemFacts => ({
  announcedAt: 0,
  lag: 0,
  members: 1,
  membersSeenAt: now,
  ...over,
})

/** What stalls at `now`, with every system of a, b, c and d up unless `systems` says otherwise. */
export function stallsAt(
  state: RollbackState,
  now: number,
  systems: Readonly<Record<string, Partial<SystemFacts>>> = {},
  over: Partial<StallFacts> = {},
): readonly Stall[] {
  const known = ['a', 'b', 'c', 'd'].map(name => [name, present(now, systems[name])] as const)
  const contracts = lookup(...known.map(([name]) => facts(name)))
  return stalls(
    state,
    { now, brokerOutageUntil: null, systems: new Map(known), ...over },
    contracts,
    DEFAULT_STALL_OPTIONS,
  )
}

/** Stalls in short: "stuck a", "blocked b by a". */
export function inShort(found: readonly Stall[]): string[] {
  return found.map(
    s => `${s.kind} ${s.subject}${s.blockedBy.length === 0 ? '' : ` by ${s.blockedBy.join(', ')}`}`,
  )
}
