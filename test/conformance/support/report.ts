import type { ConformanceCase, FixtureFeatures } from '@unwind/sidecar/conformance'
import type { TestContext } from 'vitest'

declare module 'vitest' {
  interface TaskMeta {
    /** Where a test stands in the table. `lacks`: it does not apply, and why. */
    conformance?: { readonly kind: string; readonly row: number; readonly title: string; lacks?: string }
  }
}

/** Notes the test's place in the table, and skips it as "n/a" where the fixture does not declare what the case needs. */
export function enter<S>(
  { task, skip }: TestContext,
  kind: string,
  row: number,
  one: ConformanceCase<S>,
  features: FixtureFeatures,
): void {
  const lacks = one.lacks(features)
  task.meta.conformance = { kind, row, title: one.title, ...(lacks === null ? {} : { lacks }) }
  if (lacks !== null) skip(`n/a: ${lacks}`)
}
