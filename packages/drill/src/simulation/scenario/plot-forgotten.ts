import type { Random } from '../engine/random.js'
import { crash, fault, verb } from './plot-parts.js'
import type { Setting } from './plots.js'
import type { Act } from './scenario.js'

/**
 * One step parks, and those that wait for it wait so long that their sidecars need not remember them. Somebody pauses, those sidecars
 * start anew, and what they hear first is a word about the parked step, which tells nothing of the pause.
 */
export function forgotten(random: Random, { systems, proposed }: Setting): readonly Act[] {
  const parked = random.between(0, systems.length - 1)
  return proposed.flatMap((at, rollback) => {
    const stopped = at + random.between(200, 1_500)
    const again = stopped + random.between(100, 2_500)
    const acts = [0, 1, 2].map(n =>
      fault(random, 'newer-write', at - random.between(5, 50), { which: parked + n * systems.length }),
    )
    if (random.chance(0.4)) acts.push(...comesLate(random, at, rollback, systems))
    if (random.chance(0.8)) acts.push(verb(random, stopped, rollback, ['pause']))
    for (let n = systems.length; n > 0; n--)
      acts.push(
        fault(random, 'crash-sidecar', again + random.between(0, 400), { ms: random.between(100, 600) }),
      )
    for (let n = random.between(2, 4); n > 0; n--)
      acts.push(verb(random, again + random.between(1_500, 6_000), rollback, SETTLE))
    if (random.chance(0.5)) acts.push(fault(random, 'replayed-request', again + random.between(500, 9_000)))
    if (random.chance(0.3)) acts.push(crash(random, again + random.between(1_000, 8_000)))
    acts.push(verb(random, again + random.between(8_000, 14_000), rollback, ['resume', 'retry']))
    return acts
  })
}

const SETTLE = ['skip', 'resolve manual', 'resolve force', 'retry'] as const

/** What a later revision has to name. */
function comesLate(random: Random, at: number, correlation: number, systems: Setting['systems']): Act[] {
  const which = random.between(0, systems.length - 1)
  const act = { do: 'act', correlation, cause: null, irreversible: false } as const
  return [
    fault(random, 'slow-relay', random.between(0, 40), { which, ms: random.between(500, 4_000) }),
    { ...act, at: at + random.between(15, 60), system: systems[which]!.name, item: random.between(0, 2) },
  ]
}
