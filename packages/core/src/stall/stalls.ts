import type { ContractLookup } from '../planning/input.js'
import type { RollbackState } from '../unwind/state.js'
import { type Diagnosis, diagnose } from './diagnose.js'
import type { Stall, StallFacts, StallOptions } from './stall.js'
import { watches } from './watch.js'

/**
 * What makes no progress though its moment has passed (I7). While an outage of the broker explains the silence, nothing
 * is said. The same stall keeps its kind, subject and round, so that it is one alarm.
 */
export function stalls(
  state: RollbackState,
  facts: StallFacts,
  contracts: ContractLookup,
  options: StallOptions,
): readonly Stall[] {
  if (facts.brokerOutageUntil !== null && facts.now < facts.brokerOutageUntil) return []
  const found: Stall[] = []
  const absent = new Set<string>()
  for (const watch of watches(state, options)) {
    const diagnosis = watch.dueAt <= facts.now ? diagnose(state, watch, facts, options) : null
    if (!diagnosis) continue
    if (diagnosis.kind === 'absent') {
      if (absent.has(diagnosis.subject)) continue
      absent.add(diagnosis.subject)
    }
    found.push(complete(state, diagnosis, contracts))
  }
  return found
}

/**
 * The next moment after `after` at which `stalls` may say something that it does not say yet, epoch ms; null: none,
 * until another event comes. An outage moves it: look again when that is over.
 */
export function nextDeadline(state: RollbackState, options: StallOptions, after: number): number | null {
  let next: number | null = null
  for (const { dueAt } of watches(state, options))
    if (dueAt > after && (next === null || dueAt < next)) next = dueAt
  return next
}

function complete(state: RollbackState, diagnosis: Diagnosis, contracts: ContractLookup): Stall {
  const owner = diagnosis.system === null ? undefined : contracts.get(diagnosis.system)?.contract.owner
  return {
    ...diagnosis,
    owner: owner ? `${owner.team} (${owner.contact})` : null,
    message: `rollback ${state.rollbackId}: ${diagnosis.message}`,
  }
}
