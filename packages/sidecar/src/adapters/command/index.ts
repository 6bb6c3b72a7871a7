export { createCommandAdapter } from './adapter.js'
export { commandAdapterSchema, commandProbeSchema, commandUndoSchema } from './options.js'
export { type CommandContractProblem, compileCommandContract } from './target.js'
