/**
 * Appends a batch of one partition, if the view stands exactly where the writer thinks that it does (I8). The records,
 * the index and the watermark move together or not at all, so a view that lost its content, whole or by going back to an
 * older snapshot, shows as a wrong watermark and never as a silently smaller view.
 *
 * The records of one key are a list whose first element names the building of the partition's view that wrote them. A view
 * that is begun anew has a new name, so what an earlier one left is replaced at the first record of its key, and until
 * then can be told apart.
 *
 * KEYS 1 watermarks of the topic · 2 buildings of the topic: "<partition>" → name, "<partition>.until" → offset at which
 *      it is as complete as the log was when it began
 * ARGV 1 partition · 2 expected watermark, "" for none · 3 next watermark · 4 prefix of the record keys
 *      5 time to live, seconds · 6 records: (key, bytes)… · 7 entries of the index, JSON · 8 prefix of the index
 *      9 name of a new building · 10 until, "" for "as it was"
 *      11 touched resources: (place, correlation ID, time)… · 12 prefix of their keys · 13 how many of each to keep
 * Returns 1, or the watermark found, as text ("" for none).
 */
export const APPEND = `
local found = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if found ~= ARGV[2] then return found end
if found == '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[9]) end
local building = redis.call('HGET', KEYS[2], ARGV[1])
if not building then building = ARGV[9]; redis.call('HSET', KEYS[2], ARGV[1], building) end
local ttl = ARGV[5]
local records, at, size = ARGV[6], 1, #ARGV[6]
local key, bytes
local begun = {}
while at <= size do
  key, bytes, at = struct.unpack('>I2c0I4c0', records, at)
  key = ARGV[4] .. key
  if not begun[key] then
    begun[key] = true
    local name = redis.call('LINDEX', key, 0)
    if name ~= building then
      if name then redis.call('DEL', key) end
      redis.call('RPUSH', key, building)
    end
    redis.call('EXPIRE', key, ttl)
  end
  redis.call('RPUSH', key, bytes)
end

if #ARGV[7] > 0 then
  local index = ARGV[8] .. (redis.call('GET', ARGV[8] .. 'name') or '0') .. ':'
  local phases = { open = index .. 'phase:open', denied = index .. 'phase:denied', closed = index .. 'phase:closed' }
  local function add(name, id, score, oldest)
    local zset = index .. name
    redis.call('ZADD', zset, 'NX', score, id)
    redis.call('ZREMRANGEBYSCORE', zset, '-inf', oldest)
    redis.call('EXPIRE', zset, ttl)
  end
  for _, entry in ipairs(cjson.decode(ARGV[7])) do
    local id = entry.id
    local of = index .. 'of:' .. id
    redis.call('SADD', of, entry.correlation)
    redis.call('EXPIRE', of, ttl)
    redis.call('ZADD', index .. 'all', 'NX', entry.at, id)
    redis.call('EXPIRE', index .. 'all', ttl)
    local score = redis.call('ZSCORE', index .. 'all', id)
    local revisions = index .. 'revision:' .. id
    local revision = tonumber(redis.call('GET', revisions) or '0')
    local phase = entry.phase
    local closed = redis.call('ZSCORE', phases.closed, id)
    if phase == 'requested' then
      phase = 'open'
      if entry.revision > revision then
        redis.call('SET', revisions, entry.revision)
      elseif closed then
        phase = nil
      end
      redis.call('EXPIRE', revisions, ttl)
    elseif phase == 'closed' then
      if entry.revision < revision then phase = nil end
    elseif closed or revision > 0 then
      phase = nil
    elseif phase == 'proposed' and redis.call('ZSCORE', phases.denied, id) then
      phase = nil
    elseif phase == 'proposed' then
      phase = 'open'
    end
    if phase then
      for name, zset in pairs(phases) do
        if name == phase then redis.call('ZADD', zset, score, id) else redis.call('ZREM', zset, id) end
      end
      redis.call('EXPIRE', phases[phase], ttl)
      if phase ~= 'open' then redis.call('ZREMRANGEBYSCORE', phases[phase], '-inf', entry.oldest) end
    end
    for _, name in ipairs(entry.names) do add(name, id, score, entry.oldest) end
    redis.call('ZREMRANGEBYSCORE', index .. 'all', '-inf', entry.oldest)
  end
end
local touched = ARGV[11]
at, size = 1, #touched
local place, correlation, score
while at <= size do
  place, correlation, score, at = struct.unpack('>I2c0I2c0I2c0', touched, at)
  place = ARGV[12] .. place
  redis.call('ZADD', place, 'GT', score, correlation)
  if redis.call('ZCARD', place) > tonumber(ARGV[13]) then redis.call('ZPOPMIN', place) end
  redis.call('EXPIRE', place, ttl)
end
if ARGV[10] ~= '' then redis.call('HSET', KEYS[2], ARGV[1] .. '.until', ARGV[10]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
local till = redis.call('HGET', KEYS[2], ARGV[1] .. '.until')
if till and tonumber(ARGV[3]) >= tonumber(till) then redis.call('HDEL', KEYS[2], ARGV[1] .. '.until') end
return 1
`

/**
 * Reads the first records of one key together with the watermark of its partition: what is there is everything below it.
 * KEYS 1 the records · 2 watermarks · 3 buildings of the topic. ARGV 1 partition · 2 at most so many · 3 "none": where
 *      there are more, none of them
 * Returns watermark ("" for none), building, until ("" for complete), number of records, and the records after the name
 * of their building.
 */
export const READ = `
local total = redis.call('LLEN', KEYS[1])
local last = tonumber(ARGV[2])
if ARGV[3] == 'none' and total - 1 > last then last = 0 end
return {
  redis.call('HGET', KEYS[2], ARGV[1]) or '',
  redis.call('HGET', KEYS[3], ARGV[1]) or '',
  redis.call('HGET', KEYS[3], ARGV[1] .. '.until') or '',
  tostring(total > 0 and total - 1 or 0),
  redis.call('LRANGE', KEYS[1], 0, last)
}
`

/**
 * Declares the view of a partition void; its projector fills it again. What it holds is served until then, as stale.
 * KEYS 1 watermarks · 2 buildings of the topic. ARGV 1 partition.
 */
export const FORGET = `
local found = redis.call('HGET', KEYS[1], ARGV[1])
if not found then return 0 end
redis.call('HSET', KEYS[2], ARGV[1] .. '.until', found)
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
`

/**
 * Declares the view of whole topics void, with the index that is made from them, in one step: an index without the building
 * that fills it would be a smaller one that nobody notices.
 * KEYS 1 name of the index · then watermarks and buildings, topic by topic. ARGV 1 new name of the index.
 * Returns the old name.
 */
export const FORGET_ALL = `
for i = 2, #KEYS, 2 do
  local reached = redis.call('HGETALL', KEYS[i])
  for at = 1, #reached, 2 do
    local field = reached[at] .. '.until'
    local known = redis.call('HGET', KEYS[i + 1], field)
    if not known or tonumber(known) < tonumber(reached[at + 1]) then
      redis.call('HSET', KEYS[i + 1], field, reached[at + 1])
    end
  end
  redis.call('DEL', KEYS[i])
end
local old = redis.call('GET', KEYS[1]) or '0'
redis.call('SET', KEYS[1], ARGV[1])
return old
`

/**
 * Who touched each of some resources, latest first, together with how far every partition is in the view.
 * KEYS 1 watermarks of the topic · 2… the resources. ARGV 1 how many of each. Returns flat (partition, watermark)… and,
 * for each resource, flat (correlation ID, time)….
 */
export const TOUCHED = `
local found = {}
for i = 2, #KEYS do found[i - 1] = redis.call('ZREVRANGE', KEYS[i], 0, tonumber(ARGV[1]) - 1, 'WITHSCORES') end
return { redis.call('HGETALL', KEYS[1]), found }
`
