export { createHttpAdapter } from './adapter.js'
export { httpAdapterSchema, httpProbeSchema, httpUndoSchema } from './options.js'
export { compileHttpContract, type HttpContractProblem } from './target.js'
