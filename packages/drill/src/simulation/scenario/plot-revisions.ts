import type { Random } from '../engine/random.js'
import { crash, fault, verb } from './plot-parts.js'
import type { Setting } from './plots.js'
import type { Act } from './scenario.js'

/**
 * One system whose relay stands still while the plan is made, so that a later revision has to name what it did; the others park,
 * die, are settled by hand and approved meanwhile.
 */
export function revisions(random: Random, { systems, proposed }: Setting): readonly Act[] {
  const late = random.chance(0.6) ? 0 : random.between(0, systems.length - 1)
  const hold = { which: late, ms: random.between(1_000, 6_000) }
  const acts = [fault(random, 'slow-relay', random.chance(0.5) ? 0 : random.between(0, 40), hold)]
  proposed.forEach((at, rollback) => {
    acts.push(...random.pick(TURNS)(random, at, rollback, late, systems[late]!.name))
  })
  return acts
}

type Turn = (random: Random, at: number, rollback: number, late: number, system: string) => Act[]

/** Who starts anew learns of the last revision from a command, and then the first request comes again. */
const again: Turn = (random, at, rollback, late) => [
  ...newerWrites(random, at, random.between(1, 3)),
  crash(random, at + random.between(600, 4_000), late),
  verb(random, at + random.between(5_000, 9_000), rollback, ['retry', 'retry', 'resolve force']),
  fault(random, 'replayed-request', at + random.between(9_000, 14_000)),
  fault(random, 'replayed-request', at + random.between(9_000, 14_000)),
]

/** People settle what a revision changes that others have not approved yet. */
const settled: Turn = (random, at, rollback, late, system) => [
  ...newerWrites(random, at, random.between(0, 1)),
  ...slowFence(random, at, late, 0.3),
  // The failed process goes on while the plan waits for approval.
  {
    at: at + random.between(15, 60),
    do: 'act',
    system,
    correlation: rollback,
    item: random.between(0, 2),
    cause: null,
    irreversible: false,
  },
  { at: at + random.between(60, 900), do: 'approve', rollback },
  ...[0, 1, 2].map(() =>
    verb(random, at + random.between(950, 4_000), rollback, ['skip', 'resolve manual', 'retry']),
  ),
  { at: at + random.between(4_000, 9_000), do: 'approve', rollback },
]

/** The word of a coordinator that is dead by then arrives when another one has gone on. */
const handedOver: Turn = (random, at, _rollback, late) => [
  ...slowFence(random, at, late, 0.9),
  fault(random, 'target-no-answer-without-effect', at - 1, { which: late, times: 3 }),
  fault(random, 'delayed-record', at + random.between(10, 50), { times: 1, on: 'coordinator' }),
  fault(random, random.chance(0.8) ? 'crash-coordinator' : 'rebalance', at + random.between(60, 1_000), {
    ms: random.between(100, 3_000),
  }),
]

const TURNS: readonly Turn[] = [again, settled, handedOver]

function newerWrites(random: Random, at: number, count: number): Act[] {
  return Array.from({ length: count }, () => fault(random, 'newer-write', at - random.between(5, 50)))
}

function slowFence(random: Random, at: number, which: number, probability: number): Act[] {
  return random.chance(probability)
    ? [fault(random, 'slow-fence', at - random.between(1, 20), { which, times: 1 })]
    : []
}
