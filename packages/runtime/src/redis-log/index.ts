export { CAPTURE_LUA } from './capture-lua.js'
export { DEFAULT_PREFIX, ENTRY_VERSION, hashTag, type RedisLayout, redisLayout } from './layout.js'
export { STATE_LUA } from './state-lua.js'
