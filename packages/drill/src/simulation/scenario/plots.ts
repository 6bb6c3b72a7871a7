import type { Random } from '../engine/random.js'
import { crash, fault, verb } from './plot-parts.js'
import { revisions } from './plot-revisions.js'
import type { Act, SystemProfile } from './scenario.js'
import type { ThemeName } from './themes.js'

/** What a plot is told about: the systems, and when each rollback is proposed. */
export interface Setting {
  readonly systems: readonly SystemProfile[]
  /** Ms after the beginning, by rollback; each undoes the correlation of the same number. */
  readonly proposed: readonly number[]
}

/** What has to come together for a theme. */
export function plot(theme: ThemeName, random: Random, setting: Setting): readonly Act[] {
  return PLOTS[theme](random, setting)
}

type Plot = (random: Random, setting: Setting) => readonly Act[]

const PLOTS: Readonly<Record<ThemeName, Plot>> = {
  mixed: () => [],
  stragglers,
  gates,
  revisions,
  stops,
  restarts,
  repeats,
  approvals,
  alarms,
}

/** Relays that stand still while the plan is made, and business that goes on under the same correlation. */
function stragglers(random: Random, { systems, proposed }: Setting): readonly Act[] {
  const acts: Act[] = []
  for (let n = random.between(1, 2); n > 0; n--)
    acts.push(fault(random, 'slow-relay', random.between(0, 40), { ms: random.between(400, 4_000) }))
  if (random.chance(0.5)) acts.push(fault(random, 'slow-fence', random.between(100, 300)))
  proposed.forEach((at, correlation) => {
    for (let n = random.between(0, 3); n > 0; n--)
      acts.push({
        at: at + random.between(-30, 60),
        do: 'act',
        system: random.pick(systems).name,
        correlation,
        item: random.between(0, 2),
        cause: null,
        irreversible: random.chance(0.05),
      })
    if (random.chance(0.4)) acts.push(fault(random, 'replayed-request', at + random.between(300, 6_000)))
    if (random.chance(0.3)) acts.push(verb(random, at + random.between(50, 3_000), correlation))
    if (random.chance(0.3)) acts.push(crash(random, at + random.between(100, 4_000)))
  })
  return acts
}

/** A step parks, gates are opened before it is settled, and the process behind the gate starts anew. */
function gates(random: Random, { proposed }: Setting): readonly Act[] {
  const acts: Act[] = []
  proposed.forEach((at, rollback) => {
    if (random.chance(0.6)) acts.push(fault(random, 'newer-write', at - random.between(5, 50)))
    for (let n = random.between(1, 2); n > 0; n--)
      acts.push({ at: at + random.between(100, 2_500), do: 'open-gates', rollback })
    const which = random.between(0, 9_999)
    for (let n = random.between(1, 3); n > 0; n--)
      acts.push(crash(random, at + random.between(700, 6_000), random.chance(0.5) ? which : undefined))
    for (let n = random.between(1, 3); n > 0; n--)
      acts.push(
        verb(random, at + random.between(1_500, 9_000), rollback, [
          'retry',
          'resolve manual',
          'resolve force',
          'skip',
        ]),
      )
    if (random.chance(0.3)) acts.push(...overtaken(random, at, rollback))
  })
  return acts
}

/** A pause that is long on its way, while what it says of the steps grows old; the end of it, and another try, come later. */
function overtaken(random: Random, at: number, rollback: number): readonly Act[] {
  const paused = at + random.between(20, 600)
  return [
    fault(random, 'delayed-record', paused - 1, { times: 1, on: 'coordinator' }),
    verb(random, paused, rollback, ['pause', 'retry', 'resolve force']),
    { at: paused + random.between(0, 400), do: 'open-gates', rollback },
    verb(random, paused + random.between(9_000, 14_000), rollback, ['resume', 'retry']),
  ]
}

/** A pause or an abort while an attempt is under way, and its process dies or stands still. */
function stops(random: Random, { systems, proposed }: Setting): readonly Act[] {
  const acts: Act[] = []
  proposed.forEach((at, rollback) => {
    const which = random.between(0, 9_999)
    const kind = random.pick(['crash-at-failpoint', 'pause-in-attempt', 'target-delayed-request'] as const)
    acts.push(fault(random, kind, at - random.between(1, 60), { which, times: 1 }))
    const first = at + random.between(10, 500)
    acts.push(verb(random, first, rollback, ['pause', 'abort', 'abort', 'skip', 'resolve manual']))
    for (let n = random.between(0, 2); n > 0; n--)
      acts.push(
        verb(random, first + random.between(50, 6_000), rollback, ['resume', 'retry', 'pause', 'abort']),
      )
    if (random.chance(0.5)) acts.push(crash(random, first + random.between(0, 300), which))
    // Whoever comes first keeps the next one waiting for its turn.
    const system = random.between(0, systems.length - 1)
    if (random.chance(0.6))
      acts.push(
        fault(random, 'target-no-answer-without-effect', at - random.between(1, 60), { which: system }),
      )
    // And it may be the second try that waits.
    if (random.chance(0.4))
      acts.push(fault(random, 'target-away', at - random.between(1, 60), { which: system }))
  })
  return acts
}

function restarts(random: Random, { proposed }: Setting): readonly Act[] {
  const acts: Act[] = []
  const which = random.between(0, 9_999)
  const kinds = ['crash-sidecar', 'zombie', 'pause-in-attempt', 'crash-at-failpoint', 'rebalance'] as const
  for (const at of proposed) {
    for (let n = random.between(1, 3); n > 0; n--)
      acts.push(fault(random, random.pick(kinds), at + random.between(-20, 3_000), { which }))
    for (let n = random.between(0, 2); n > 0; n--)
      acts.push(fault(random, 'replayed-record', at + random.between(200, 9_000)))
    if (random.chance(0.4)) acts.push(fault(random, 'newer-write', at - random.between(5, 50)))
    if (random.chance(0.3)) acts.push(fault(random, 'torn-send', at - random.between(1, 20)))
  }
  return acts
}

function repeats(random: Random, { proposed }: Setting): readonly Act[] {
  return proposed.flatMap(at => [
    fault(random, 'repeated-proposal', at + random.between(800, 4_000)),
    fault(random, 'repeated-proposal', at + random.between(4_000, 20_000)),
  ])
}

function approvals(random: Random, { proposed }: Setting): readonly Act[] {
  return proposed.flatMap((at, rollback): Act[] => [
    { at: at + random.between(100, 2_000), do: 'approve', rollback },
    { at: at + random.between(100, 6_000), do: random.chance(0.3) ? 'deny' : 'approve', rollback },
    fault(random, 'forged-record', at + random.between(50, 3_000)),
  ])
}

/** The step that comes last meets newer data, and whoever is to tell people of it cannot. */
function alarms(random: Random, { systems, proposed }: Setting): readonly Act[] {
  return proposed.flatMap(at => {
    const newer = [0, 1, 2].map(n =>
      fault(random, 'newer-write', at - random.between(5, 50), { which: n * systems.length }),
    )
    return [
      ...newer,
      fault(random, 'produce-failed', at + random.between(12, 110), { times: 1, on: 'coordinator' }),
    ]
  })
}
