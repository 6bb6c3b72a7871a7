import type { FaultKind, FixtureFeatures } from './fixture.js'

/** One row of the table: a behaviour that every adapter owes whose fixture declares what the case needs. */
export interface ConformanceCase<Stage> {
  readonly title: string
  /** What the fixture does not declare; null: the case applies. Shows as "n/a". */
  lacks(features: FixtureFeatures): string | null
  /** Rejects when the adapter falls short. */
  run(stage: Stage): Promise<void>
}

export const always = () => null

export const needsFault =
  (...kinds: readonly FaultKind[]) =>
  (features: FixtureFeatures): string | null => {
    const missing = kinds.filter(kind => !features.faults.includes(kind))
    return missing.length === 0 ? null : `its target cannot be made to ${missing.join(', ')}`
  }
