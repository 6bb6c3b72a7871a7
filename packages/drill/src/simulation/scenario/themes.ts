import { DISTURBING_COORDINATORS, DISTURBING_SIDECARS, FAULT_KINDS, type FaultKind } from './kinds.js'

/**
 * What a history is mostly about. Some promises are at stake only where several rare things meet; left to chance alone,
 * they would meet once in a hundred thousand histories.
 */
export interface Theme {
  readonly name: string
  /** How often, compared to the others. */
  readonly weight: number
  /** Probability that a system keeps an undo log of its own. */
  readonly sql: number
  /** Probability that two of more than two systems succeed or park together. */
  readonly tandem: number
  /** Probability that a gate stands before a system. */
  readonly gate: number
  readonly barrier: number
  /** Probability that people have to approve. */
  readonly approval: number
  /** Probability that a system runs two sidecars. */
  readonly twice: number
  /** Probability that a sidecar makes one attempt at a time. */
  readonly narrow: number
  /** Kinds that its faults are drawn from, besides what its plot brings. */
  readonly kinds: readonly FaultKind[]
  /** At most so many of them. */
  readonly faults: number
}

const ORDINARY = {
  sql: 0.6,
  tandem: 0.15,
  gate: 0.1,
  barrier: 0.2,
  approval: 0.2,
  twice: 0.25,
  narrow: 0.4,
  faults: 6,
} as const

/** A coordinator that goes on in peace says again what was not written. */
const CALM = FAULT_KINDS.filter(kind => !DISTURBING_COORDINATORS.has(kind))

/** Sidecars that go on in peace: what has to meet is rare enough without their restarts. */
const STEADY = FAULT_KINDS.filter(kind => !DISTURBING_SIDECARS.has(kind))

const THEMES = [
  { ...ORDINARY, name: 'mixed', weight: 9, kinds: FAULT_KINDS },
  // Actions that come into the topic only when the plan is made: revisions.
  { ...ORDINARY, name: 'stragglers', weight: 4, kinds: FAULT_KINDS, sql: 0.85, barrier: 0.35, faults: 4 },
  // Steps that wait for people while processes come and go.
  {
    ...ORDINARY,
    name: 'gates',
    weight: 3,
    kinds: FAULT_KINDS,
    tandem: 0.5,
    gate: 0.6,
    approval: 0.1,
    faults: 3,
  },
  // Plans that are made anew while people settle, stop or approve what the last one says.
  {
    ...ORDINARY,
    name: 'revisions',
    weight: 3,
    kinds: STEADY,
    sql: 0.9,
    gate: 0.05,
    approval: 0.5,
    twice: 0.1,
    faults: 2,
  },
  // People who stop what is under way.
  {
    ...ORDINARY,
    name: 'stops',
    weight: 3,
    kinds: FAULT_KINDS,
    narrow: 0.8,
    gate: 0.05,
    approval: 0.1,
    faults: 3,
  },
  // One system whose processes do not come to rest.
  { ...ORDINARY, name: 'restarts', weight: 3, kinds: FAULT_KINDS, twice: 0.5, faults: 3 },
  // Somebody proposes again what has ended.
  { ...ORDINARY, name: 'repeats', weight: 2, kinds: FAULT_KINDS, gate: 0, approval: 0.1, faults: 2 },
  { ...ORDINARY, name: 'approvals', weight: 2, kinds: FAULT_KINDS, approval: 1, faults: 4 },
  // The last word of all, that somebody is needed, is the one that is not written.
  { ...ORDINARY, name: 'alarms', weight: 1, kinds: CALM, gate: 0, approval: 0, faults: 1 },
] as const satisfies readonly Theme[]

export type ThemeName = (typeof THEMES)[number]['name']

const TOTAL = THEMES.reduce((sum, theme) => sum + theme.weight, 0)

/** @param chance in [0, 1). */
export function themeOf(chance: number): Theme & { readonly name: ThemeName } {
  let left = chance * TOTAL
  for (const theme of THEMES) {
    left -= theme.weight
    if (left < 0) return theme
  }
  return THEMES[0]
}
