/**
 * Lua that reads and writes the state of one key, field by field, whatever its type. Opens every script of capture and undo, so
 * that both mean the same by "the value of a field". Values are text, or `false` where there is none.
 *
 * - `expiry(key)`: epoch ms as text.
 * - `kind_of(key)`, `fetch(key, kind, found, field)`, `dump(key, kind)`, `size(key, kind)`.
 * - `put(key, kind, field, value)`: sets or (false) removes one field; a TTL that stands stays.
 */
export const STATE_LUA = `
local function ms(time) return time[1] * 1000 + math.floor(time[2] / 1000) end
local function expiry(key)
  -- Both came with Redis 7.
  if redis.REDIS_VERSION_NUM then
    local at = redis.call('PEXPIRETIME', key)
    return at >= 0 and string.format('%.0f', at)
  end
  local at, left = 0, redis.call('PTTL', key)
  if left < 0 then return false end
  for _ = 1, 20 do
    at = ms(redis.call('TIME'))
    left = redis.call('PTTL', key)
    -- Both were asked within one millisecond: the sum is the very moment that is stored.
    if ms(redis.call('TIME')) == at then break end
  end
  return string.format('%.0f', at + left)
end
local function kind_of(key) return redis.call('TYPE', key).ok end
local SIZE = { hash = 'HLEN', set = 'SCARD', zset = 'ZCARD', list = 'LLEN' }
local function size(key, kind)
  if kind == 'none' then return 0 end
  return SIZE[kind] and redis.call(SIZE[kind], key) or 1
end
local function fetch(key, kind, found, field)
  if kind == 'ttl' then return expiry(key) end
  if kind ~= found then return false end
  if kind == 'hash' then return redis.call('HGET', key, field) end
  if kind == 'string' then return redis.call('GET', key) end
  if kind == 'set' then return redis.call('SISMEMBER', key, field) == 1 and '1' end
  if kind == 'zset' then return redis.call('ZSCORE', key, field) end
  return cmsgpack.pack(redis.call('LRANGE', key, 0, -1))
end
local function dump(key, kind)
  local all = {}
  if kind == 'hash' or kind == 'zset' then
    local flat = kind == 'hash' and redis.call('HGETALL', key) or redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #flat, 2 do all[flat[i]] = flat[i + 1] end
  elseif kind == 'set' then
    for _, member in ipairs(redis.call('SMEMBERS', key)) do all[member] = '1' end
  elseif kind ~= 'none' then
    all[''] = fetch(key, kind, kind, '')
  end
  return all
end
local function put(key, kind, field, value)
  if kind == 'hash' then
    if value then redis.call('HSET', key, field, value) else redis.call('HDEL', key, field) end
  elseif kind == 'set' then
    redis.call(value and 'SADD' or 'SREM', key, field)
  elseif kind == 'zset' then
    if value then redis.call('ZADD', key, value, field) else redis.call('ZREM', key, field) end
  elseif kind == 'string' then
    if value then redis.call('SET', key, value, 'KEEPTTL') else redis.call('DEL', key) end
  elseif kind == 'list' then
    redis.call('DEL', key)
    local items = value and cmsgpack.unpack(value) or {}
    for i = 1, #items, 1000 do
      redis.call('RPUSH', key, unpack(items, i, math.min(i + 999, #items)))
    end
  end
end
local function put_expiry(key, wanted)
  local standing = expiry(key)
  if standing == wanted then return end
  if wanted then redis.call('PEXPIREAT', key, wanted) else redis.call('PERSIST', key) end
end
local function same(kind, one, other)
  if one == other then return true end
  if not one or not other then return false end
  if kind == 'zset' then return tonumber(one) == tonumber(other) end
  -- Where the server cannot tell the moment itself, it is computed from two answers.
  if kind == 'ttl' then return math.abs(tonumber(one) - tonumber(other)) <= 1 end
  return false
end
`
