import { conflicts } from './cases/conflicts.js'
import { delta } from './cases/delta.js'
import { faults } from './cases/faults.js'
import { fence } from './cases/fence.js'
import { killedCases } from './cases/killed.js'
import { repeats } from './cases/repeats.js'
import { rollbackCases } from './cases/rollbacks.js'

export { Bench } from './bench.js'
export type { ConformanceCase } from './case.js'
export type * from './fixture.js'
export type * from './stage.js'

/** Held in one process, on the adapter itself and its real target. */
export const adapterCases = [...repeats, ...fence, ...conflicts, ...delta, ...faults]

/** Held on real sidecar processes, Kafka, a coordinator and the adapter's real target. */
export const processCases = [...killedCases, ...rollbackCases]
