export { createFlagsAdapter } from './adapter.js'
export { flagsAdapterSchema, flagsProbeSchema, flagsUndoSchema } from './options.js'
export { compileFlagsContract, type FlagsContractProblem } from './target.js'
