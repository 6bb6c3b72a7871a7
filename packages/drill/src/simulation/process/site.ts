import type { ContractFacts } from '@unwind/core'
import type { SimGroup } from '../log/group.js'
import type { SystemProfile } from '../scenario/scenario.js'
import type { Capture } from '../target/capture.js'
import type { Target } from '../target/target.js'

/** One system: its target, its contract in force, and the group of its sidecars. */
export interface SystemSite {
  readonly profile: SystemProfile
  readonly target: Target
  readonly capture: Capture
  readonly group: SimGroup
  contract: ContractFacts
  generation: number
  /** How long the target remembers idempotency keys, ms. */
  retentionMs: number
  announcedAt: number | null
}
