import type { Random } from '../simulation/engine/random.js'

export const DEEDS = [
  'kill-sidecar',
  'pause-sidecar',
  'kill-coordinator',
  'pause-coordinator',
  'kill-client',
  'kill-broker',
  'pause-broker',
  'flush-redis',
  'kill-redis',
  'kill-registry',
  'kill-postgres',
  'lose-answers',
  'delay-answers',
] as const

export type DeedKind = (typeof DEEDS)[number]

/** Something that the nemesis does at a moment of the run. */
export interface Deed {
  /** After the beginning, ms. */
  readonly at: number
  readonly kind: DeedKind
  /** Chooses among what there is: index modulo their number. */
  readonly which: number
  /** How long it lasts, ms; for answers of brokers, how late they come. */
  readonly ms: number
}

/** How long each may last, ms. What must not stall a whole run is short. */
const LASTS: Readonly<Record<DeedKind, readonly [number, number]>> = {
  'kill-sidecar': [0, 0],
  'pause-sidecar': [500, 8_000],
  'kill-coordinator': [0, 0],
  'pause-coordinator': [500, 8_000],
  'kill-client': [0, 0],
  'kill-broker': [1_000, 10_000],
  'pause-broker': [500, 6_000],
  'flush-redis': [0, 0],
  'kill-redis': [500, 8_000],
  'kill-registry': [500, 10_000],
  'kill-postgres': [0, 2_000],
  'lose-answers': [0, 0],
  'delay-answers': [50, 3_000],
}

const GAP_MS = { least: 300, most: 5_000 }
/** Kills of our own processes are what happens most. */
const USUAL: readonly DeedKind[] = ['kill-sidecar', 'pause-sidecar', 'kill-coordinator']
const USUALLY = 0.5

/** What the nemesis does in a run of this length: the same for the same seed. */
export function planDeeds(lengthMs: number, random: Random): readonly Deed[] {
  const deeds: Deed[] = []
  for (let at = random.between(GAP_MS.least, GAP_MS.most); at < lengthMs; ) {
    const kind = random.chance(USUALLY) ? random.pick(USUAL) : random.pick(DEEDS)
    const [least, most] = LASTS[kind]
    deeds.push({ at, kind, which: random.between(0, 1_000), ms: random.between(least, most) })
    at += random.between(GAP_MS.least, GAP_MS.most)
  }
  return deeds
}
