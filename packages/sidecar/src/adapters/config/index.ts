export { createConfigAdapter } from './adapter.js'
export { type ConfigContractProblem, compileConfigContract } from './target.js'
