import { STATE_LUA } from '@unwind/runtime/redis-log'

/**
 * Runs every command that undo and fence need on a scratch key of our own, so that a missing permission shows at start and not
 * in the middle of a rollback. KEYS 1 scratch key, 2 a second one in the same slot. Returns {"ok"} or an error.
 */
export const CHECK_LUA = `${STATE_LUA}
local key, other = KEYS[1], KEYS[2]
redis.call('DEL', key, other)
for _, kind in ipairs({ 'string', 'hash', 'set', 'zset', 'list' }) do
  local value = kind == 'list' and cmsgpack.pack({ '1' }) or '1'
  put(key, kind, 'f', value)
  fetch(key, kind, kind, 'f')
  dump(key, kind)
  size(key, kind)
  put(key, kind, 'f', false)
  redis.call('DEL', key)
end
redis.call('SET', key, '1', 'PX', 1000)
put_expiry(key, false)
put_expiry(key, string.format('%.0f', ms(redis.call('TIME')) + 1000))
redis.call('EXISTS', key)
redis.call('DEL', key)
redis.call('HSET', key, 'a', cjson.encode({ 1 }))
redis.call('HMGET', key, 'a')
redis.call('PEXPIRE', key, 1000)
local id = redis.call('XADD', other, '*', 'a', '1')
redis.call('XRANGE', other, id, id)
redis.call('XDEL', other, id)
redis.call('DEL', key, other)
return { 'ok' }
`
