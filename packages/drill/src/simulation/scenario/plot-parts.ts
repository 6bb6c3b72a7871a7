import type { Random } from '../engine/random.js'
import type { FaultKind } from './kinds.js'
import type { Act, Verb } from './scenario.js'

/** @param which undefined: any process. */
export function crash(random: Random, at: number, which?: number): Act {
  return fault(random, 'crash-sidecar', at, which === undefined ? {} : { which })
}

export function verb(
  random: Random,
  at: number,
  rollback: number,
  verbs: readonly Verb[] = ['pause', 'resume', 'retry', 'skip', 'abort'],
): Act {
  return { at, do: 'verb', verb: random.pick(verbs), rollback, step: random.between(0, 3) }
}

interface Details {
  readonly which?: number
  readonly ms?: number
  readonly times?: number
  readonly on?: string
}

export function fault(random: Random, kind: FaultKind, at: number, details: Details = {}): Act {
  const drawn = {
    which: random.between(0, 9_999),
    ms: random.between(100, 5_000),
    times: random.between(1, 3),
  }
  return { at: Math.max(0, at), do: 'fault', kind, ...drawn, ...details }
}
