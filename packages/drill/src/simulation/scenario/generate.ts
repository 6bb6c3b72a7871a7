import { Random } from '../engine/random.js'
import type { FaultKind } from './kinds.js'
import { forgotten } from './plot-forgotten.js'
import { plot } from './plots.js'
import { type Act, type Scenario, type SystemProfile, VERBS } from './scenario.js'
import { type Theme, themeOf } from './themes.js'

/** From here on nothing goes wrong any more, ms after the beginning. */
export const HEALED_AT = 25_000

/** Correlations from here on are business that nobody rolls back. */
const OTHERS = 10

/** How many histories of any theme have this in them too. */
const FORGOTTEN = 0.06

/** The history that a seed stands for: who takes part, what they do, and what goes wrong. */
export function generate(seed: number): Scenario {
  const random = new Random(seed, 1)
  const theme = themeOf(random.next())
  const systems = drawSystems(random, theme)
  const acts: Act[] = []
  const correlations = random.chance(0.6) ? 2 : 1
  for (let c = 0; c < correlations; c++) acts.push(...business(random, systems, c))
  const proposed: number[] = []
  for (let c = 0; c < correlations; c++) {
    const scope = random.chance(0.15) ? [random.pick(systems).name] : []
    const at = random.between(150, 600)
    proposed.push(at)
    acts.push({ at, do: 'propose', correlation: c, rollback: c, scope })
  }
  acts.push(...traffic(random, systems))
  acts.push(...plot(theme.name, random, { systems, proposed }))
  const faults = random.chance(0.1) ? 0 : random.between(1, theme.faults)
  for (let f = 0; f < faults; f++) acts.push(fault(random, theme.kinds))
  // Drawn from a stream of its own: the histories that it does not touch stay what they were.
  const more = new Random(seed, 3)
  if (more.chance(FORGOTTEN)) acts.push(...forgotten(more, { systems, proposed }))
  const people = random.between(0, 3)
  for (let p = 0; p < people; p++) acts.push(person(random, correlations))
  return {
    seed,
    theme: theme.name,
    partitions: random.between(1, 2),
    coordinators: random.chance(0.4) ? 2 : 1,
    barrier: random.chance(theme.barrier),
    approval: random.chance(theme.approval) ? 'people' : 'policy',
    systems,
    acts: acts.sort((a, b) => a.at - b.at),
  }
}

function drawSystems(random: Random, theme: Theme): readonly SystemProfile[] {
  const count = random.between(1, 5)
  const tandem = count > 2 && random.chance(theme.tandem)
  return Array.from({ length: count }, (_, i): SystemProfile => {
    const dependsOn = i > 0 && random.chance(0.7) ? [`s${random.between(0, i - 1)}`] : []
    return {
      name: `s${i}`,
      kind: random.chance(theme.sql) ? 'sql' : 'http',
      dependsOn,
      tandem: tandem && i > 0 && i < 3 ? 'pair' : null,
      gate: drawGate(random, theme.gate),
      onConflict: random.chance(0.7) ? 'park' : random.pick(['keep', 'force', 'merge'] as const),
      attempts: random.between(2, 5),
      instances: random.chance(theme.twice) ? 2 : 1,
      concurrency: random.chance(theme.narrow) ? 1 : 32,
    }
  })
}

function drawGate(random: Random, probability: number): SystemProfile['gate'] {
  if (!random.chance(probability)) return null
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

/** Everybody else's business, before, during and after; now and then it meets the same data. */
function traffic(random: Random, systems: readonly SystemProfile[]): Act[] {
  return Array.from({ length: random.between(4, 12) }, (): Act => {
    return {
      at: random.chance(0.5) ? random.between(0, 150) : random.between(150, 4_000),
      do: 'act',
      system: random.pick(systems).name,
      correlation: OTHERS + random.between(0, 3),
      item: random.chance(0.04) ? random.between(0, 2) : random.between(3, 6),
      cause: null,
      irreversible: false,
    }
  })
}

function fault(random: Random, kinds: readonly FaultKind[]): Act {
  return {
    // Most of a history happens in the first seconds.
    at: random.chance(0.8) ? random.between(100, 2_500) : random.between(2_500, 20_000),
    do: 'fault',
    kind: random.pick(kinds),
    which: random.between(0, 9_999),
    ms: random.between(100, 15_000),
    times: random.between(1, 3),
  }
}

function person(random: Random, rollbacks: number): Act {
  const rollback = random.between(0, rollbacks - 1)
  const at = random.between(600, 20_000)
  const kind = random.between(0, 11)
  if (kind < 4) return { at, do: 'approve', rollback }
  if (kind === 4) return { at, do: 'deny', rollback }
  if (kind < 8) return { at, do: 'open-gates', rollback }
  if (kind < 10) return { at, do: 'acknowledge', rollback }
  return { at, do: 'verb', verb: random.pick(VERBS), rollback, step: random.between(0, 3) }
}
