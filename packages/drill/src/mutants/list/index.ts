import type { Mutant } from '../mutant.js'
import { COORDINATOR } from './coordinator.js'
import { FOLD } from './fold.js'
import { SIDECAR } from './sidecar.js'

/** Planted one at a time. The simulator must find every one of them. */
export const MUTANTS: readonly Mutant[] = [...SIDECAR, ...FOLD, ...COORDINATOR]
