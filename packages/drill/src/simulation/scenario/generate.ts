import { Random } from '../engine/random.js'
import { FAULT_KINDS } from './kinds.js'
import { type Act, type Scenario, type SystemProfile, VERBS } from './scenario.js'

/** From here on nothing goes wrong any more, ms after the beginning. */
export const HEALED_AT = 25_000

/** The history that a seed stands for: who takes part, what they do, and what goes wrong. */
export function generate(seed: number): Scenario {
  const random = new Random(seed, 1)
  const systems = drawSystems(random)
  const acts: Act[] = []
  const correlations = random.chance(0.6) ? 2 : 1
  for (let c = 0; c < correlations; c++) acts.push(...business(random, systems, c))
  let rollback = 0
  for (let c = 0; c < correlations; c++) {
    const scope = random.chance(0.15) ? [random.pick(systems).name] : []
    acts.push({ at: random.between(150, 600), do: 'propose', correlation: c, rollback: rollback++, scope })
  }
  const faults = random.chance(0.1) ? 0 : random.between(1, 6)
  for (let f = 0; f < faults; f++) acts.push(fault(random))
  const people = random.between(0, 3)
  for (let p = 0; p < people; p++) acts.push(person(random, rollback))
  return {
    seed,
    partitions: random.between(1, 2),
    coordinators: random.chance(0.4) ? 2 : 1,
    barrier: random.chance(0.2),
    approval: random.chance(0.2) ? 'people' : 'policy',
    systems,
    acts: acts.sort((a, b) => a.at - b.at),
  }
}

function drawSystems(random: Random): readonly SystemProfile[] {
  const count = random.between(1, 5)
  const tandem = count > 2 && random.chance(0.15)
  return Array.from({ length: count }, (_, i): SystemProfile => {
    const dependsOn = i > 0 && random.chance(0.7) ? [`s${random.between(0, i - 1)}`] : []
    return {
      name: `s${i}`,
      kind: random.chance(0.6) ? 'sql' : 'http',
      dependsOn,
      tandem: tandem && i > 0 && i < 3 ? 'pair' : null,
      gate: drawGate(random),
      onConflict: random.chance(0.7) ? 'park' : random.pick(['keep', 'force', 'merge'] as const),
      attempts: random.between(2, 5),
      instances: random.chance(0.25) ? 2 : 1,
    }
  })
}

function drawGate(random: Random): SystemProfile['gate'] {
  if (random.chance(0.9)) return null
  return random.chance(0.5) ? { kind: 'human' } : { kind: 'bake', ms: random.between(11_000, 20_000) }
}

/** What the systems did forward. An action may be caused by an earlier one of a system that stands before it. */
function business(random: Random, systems: readonly SystemProfile[], correlation: number): Act[] {
  const acts: Act[] = []
  const count = random.between(1, systems.length + 3)
  for (let n = 0; n < count; n++) {
    const system = systems[n % systems.length]!
    acts.push({
      at: random.between(0, 60) + n * 10,
      do: 'act',
      system: system.name,
      correlation,
      item: random.between(0, 2),
      cause: n > 0 && n < systems.length && random.chance(0.4) ? n - 1 : null,
      irreversible: random.chance(0.03),
    })
  }
  return acts
}

function fault(random: Random): Act {
  return {
    // Most of a history happens in the first seconds.
    at: random.chance(0.8) ? random.between(100, 2_500) : random.between(2_500, 20_000),
    do: 'fault',
    kind: random.pick(FAULT_KINDS),
    which: random.between(0, 9_999),
    ms: random.between(100, 15_000),
    times: random.between(1, 3),
  }
}

function person(random: Random, rollbacks: number): Act {
  const rollback = random.between(0, rollbacks - 1)
  const at = random.between(600, 20_000)
  const kind = random.between(0, 9)
  if (kind < 4) return { at, do: 'approve', rollback }
  if (kind === 4) return { at, do: 'deny', rollback }
  if (kind < 8) return { at, do: 'open-gates', rollback }
  return { at, do: 'verb', verb: random.pick(VERBS), rollback, step: random.between(0, 3) }
}
