import { STATE_LUA } from './state-lua.js'

/** Commands that capture runs: one key, first argument. Everything else is refused before anything is done. */
const COMMANDS = `
local function pairs_from(first) return function(argv)
  local fields = {}
  for i = first, #argv, 2 do fields[#fields + 1] = argv[i] end
  return fields
end end
local function all_from(first) return function(argv)
  local fields = {}
  for i = first, #argv do fields[#fields + 1] = argv[i] end
  return fields
end end
local function only(at) return function(argv) return { argv[at] } end end
local ZADD_OPTIONS = { NX = true, XX = true, GT = true, LT = true, CH = true, INCR = true }
local function zadd(argv)
  local at = 3
  while argv[at] and ZADD_OPTIONS[string.upper(argv[at])] do at = at + 1 end
  return pairs_from(at + 1)(argv)
end
-- Which fields of which kind a command can change. Those below this table change the key as a whole.
local BY_FIELD = {
  HSET = { 'hash', pairs_from(3) }, HMSET = { 'hash', pairs_from(3) }, HSETNX = { 'hash', only(3) },
  HDEL = { 'hash', all_from(3) }, HINCRBY = { 'hash', only(3) }, HINCRBYFLOAT = { 'hash', only(3) },
  SADD = { 'set', all_from(3) }, SREM = { 'set', all_from(3) },
  ZADD = { 'zset', zadd }, ZREM = { 'zset', all_from(3) }, ZINCRBY = { 'zset', only(4) },
}
local WHOLE = ' SET SETEX PSETEX SETNX GETSET GETDEL APPEND SETRANGE INCR INCRBY INCRBYFLOAT DECR DECRBY ' ..
  'LPUSH RPUSH LPUSHX RPUSHX LPOP RPOP LREM LSET LTRIM LINSERT SPOP ZPOPMIN ZPOPMAX ZREMRANGEBYSCORE ' ..
  'ZREMRANGEBYRANK ZREMRANGEBYLEX DEL UNLINK EXPIRE PEXPIRE EXPIREAT PEXPIREAT PERSIST '
local function is_whole(name) return string.find(WHOLE, ' ' .. name .. ' ', 1, true) end
`

/**
 * Runs commands of one forward action and keeps what they changed, in one script: no write without its image, no image
 * without its write, and none at all once a fence rejects it. The images never leave Redis.
 *
 * KEYS 1 undo log · 2 fence · 3 outbox (the undo log again: no outbox) · 4… every key that the commands touch
 * ARGV 1 label · 2 action ID · 3 action · 4 resource · 5 retention, ms · 6 most elements of a key that is captured whole
 *      7 correlation ID · 8… commands: number of arguments, then the arguments
 * Returns {"done", reply…}, {"before"}, {"fenced", rollback ID}, or {"refused", why}: then nothing was changed.
 */
export const CAPTURE_LUA = `${STATE_LUA}${COMMANDS}
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then return { 'before' } end
local fence = redis.call('GET', KEYS[2])
if fence and string.sub(fence, 1, 7) == 'reject:' then return { 'fenced', string.sub(fence, 8) } end

local declared, touched, order = {}, {}, {}
for i = 4, #KEYS do declared[KEYS[i]] = true end
local commands, at = {}, 8
while at <= #ARGV do
  local argv = {}
  for i = 1, tonumber(ARGV[at]) do argv[i] = ARGV[at + i] end
  at = at + #argv + 1
  local name, key = string.upper(argv[1] or ''), argv[2]
  if not key or not declared[key] then return { 'refused', name .. ': its key is not among the declared ones' } end
  if not BY_FIELD[name] and not is_whole(name) then return { 'refused', name .. ' cannot be captured' } end
  if #argv > 7000 then return { 'refused', name .. ' has more than 7,000 arguments; use several commands' } end
  if (name == 'DEL' or name == 'UNLINK') and #argv ~= 2 then return { 'refused', name .. ' takes one key here' } end
  if not touched[key] then
    touched[key] = { fields = {} }
    order[#order + 1] = key
  end
  local known = touched[key]
  if BY_FIELD[name] and (known.kind or BY_FIELD[name][1]) == BY_FIELD[name][1] then
    known.kind = BY_FIELD[name][1]
    for _, field in ipairs(BY_FIELD[name][2](argv)) do known.fields[field] = true end
  else
    known.whole = true
  end
  commands[#commands + 1] = argv
end

local function image(key)
  local known, kind = touched[key], kind_of(key)
  if not known.whole then
    local values = {}
    for field in pairs(known.fields) do values[field] = fetch(key, known.kind, kind, field) or nil end
    return { kind = known.kind, values = values, ttl = expiry(key) }
  end
  return { kind = kind, values = dump(key, kind), ttl = expiry(key) }
end
local before = {}
for _, key in ipairs(order) do
  local kind = kind_of(key)
  if kind == 'stream' then return { 'refused', key .. ' is a stream: undo it by a reversing entry instead' } end
  if touched[key].whole and size(key, kind) > tonumber(ARGV[6]) then
    return { 'refused', key .. ' has more elements than are captured whole; change single fields, or give its images in the data' }
  end
  before[key] = image(key)
end

local function changes(kind, one, other)
  local list = {}
  for field, value in pairs(one) do
    if not same(kind, value, other[field] or false) then list[#list + 1] = { field, value, other[field] or false } end
  end
  for field, value in pairs(other) do
    if one[field] == nil then list[#list + 1] = { field, false, value } end
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end
local function difference()
  local items = {}
  local function add(key, kind, fields)
    if #fields > 0 then items[#items + 1] = { key, kind, fields } end
  end
  for _, key in ipairs(order) do
    local old, new = before[key], image(key)
    if old.kind == new.kind or old.kind == 'none' or new.kind == 'none' then
      local kind = old.kind == 'none' and new.kind or old.kind
      add(key, kind, changes(kind, old.values, new.values))
    else
      add(key, old.kind, changes(old.kind, old.values, {}))
      add(key, new.kind, changes(new.kind, {}, new.values))
    end
    if not same('ttl', old.ttl, new.ttl) then add(key, 'ttl', { { '', old.ttl, new.ttl } }) end
  end
  return items
end

local replies = { 'done' }
for i, argv in ipairs(commands) do
  local reply = redis.pcall(unpack(argv))
  if type(reply) == 'table' and reply.err then
    -- Redis undoes nothing of a script that fails: what the commands before it changed is put back here.
    local items = difference()
    for n = #items, 1, -1 do
      for _, field in ipairs(items[n][3]) do
        if items[n][2] ~= 'ttl' then put(items[n][1], items[n][2], field[1], field[2]) end
      end
    end
    for _, key in ipairs(order) do put_expiry(key, before[key].ttl) end
    return { 'refused', argv[1] .. ' ' .. argv[2] .. ': ' .. reply.err }
  end
  replies[i + 1] = reply
end

local late = fence and string.sub(fence, 8) or false
redis.call('HSET', KEYS[1], ARGV[2], cmsgpack.pack({
  v = 1, seq = redis.call('HLEN', KEYS[1]), at = string.format('%.0f', ms(redis.call('TIME'))),
  action = ARGV[3], resource = ARGV[4], late = late, items = difference(),
}))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if KEYS[3] ~= KEYS[1] then redis.call('XADD', KEYS[3], '*', 'correlation', ARGV[7], 'action', ARGV[2]) end
return replies
`
