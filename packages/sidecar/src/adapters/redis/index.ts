export { createRedisAdapter } from './adapter.js'
export { redisAdapterSchema } from './options.js'
export { compileRedisContract, type RedisContractProblem } from './target.js'
