import { type History, runHistory } from './history.js'
import type { Act, Scenario } from './scenario/scenario.js'

const MOST_RUNS = 400

/** Drops whatever the failure does not need: acts, systems' peculiarities, second processes. Keeps the same invariant broken. */
export async function shrink(failed: History): Promise<History> {
  let best = failed
  let runs = 0
  const invariant = failed.violation?.invariant
  const tryOne = async (scenario: Scenario): Promise<boolean> => {
    if (runs++ >= MOST_RUNS) return false
    const history = await runHistory(scenario)
    if (history.violation?.invariant !== invariant) return false
    best = history
    return true
  }
  for (let again = true; again && runs < MOST_RUNS; ) {
    again = false
    for (let i = best.scenario.acts.length - 1; i >= 0; i--)
      if (await tryOne(without(best.scenario, i))) again = true
    for (const simpler of simplifications(best.scenario)) if (await tryOne(simpler)) again = true
  }
  return best
}

function without(scenario: Scenario, index: number): Scenario {
  return { ...scenario, acts: scenario.acts.filter((_: Act, i) => i !== index) }
}

function simplifications(scenario: Scenario): Scenario[] {
  const found: Scenario[] = []
  if (scenario.coordinators > 1) found.push({ ...scenario, coordinators: 1 })
  if (scenario.partitions > 1) found.push({ ...scenario, partitions: 1 })
  if (scenario.barrier) found.push({ ...scenario, barrier: false })
  if (scenario.approval === 'people') found.push({ ...scenario, approval: 'policy' })
  scenario.systems.forEach((system, i) => {
    const simple = {
      ...system,
      instances: 1,
      concurrency: 32,
      gate: null,
      tandem: null,
      onConflict: 'park' as const,
    }
    if (JSON.stringify(simple) === JSON.stringify(system)) return
    found.push({ ...scenario, systems: scenario.systems.map((s, k) => (k === i ? simple : s)) })
  })
  return found
}
