/**
 * Appends a batch of one partition, if the view stands exactly where the writer thinks that it does (I8). The records
 * and the watermark move together or not at all, so a view that lost its content, whole or by going back to an older
 * snapshot, shows as a wrong watermark and never as a silently smaller view.
 *
 * KEYS 1 watermarks of the topic · 2 recent rollbacks
 * ARGV 1 partition · 2 expected watermark, "" for none · 3 next watermark · 4 prefix of the record keys
 *      5 time to live, seconds · 6 records: (key, field, bytes)… · 7 rollbacks: (rollback ID, correlation ID, score)…
 *      8 prefix of the rollback keys · 9 how many recent rollbacks to keep
 *      10 touched resources: (place, correlation ID, time)… · 11 prefix of their keys · 12 how many of each to keep
 * Returns 1, or the watermark found, as text ("" for none).
 */
export const APPEND = `
local found = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if found ~= ARGV[2] then return found end
local records, at, size = ARGV[6], 1, #ARGV[6]
local key, field, bytes
while at <= size do
  key, field, bytes, at = struct.unpack('>I2c0I2c0I4c0', records, at)
  key = ARGV[4] .. key
  redis.call('HSET', key, field, bytes)
  redis.call('EXPIRE', key, ARGV[5])
end
local rollbacks, id, correlation, score = ARGV[7], nil, nil, nil
at, size = 1, #ARGV[7]
while at <= size do
  id, correlation, score, at = struct.unpack('>I2c0I2c0I2c0', rollbacks, at)
  redis.call('SADD', ARGV[8] .. id, correlation)
  redis.call('EXPIRE', ARGV[8] .. id, ARGV[5])
  redis.call('ZADD', KEYS[2], 'NX', score, id)
end
if #ARGV[7] > 0 then redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[9])) end
local touched, place = ARGV[10], nil
at, size = 1, #ARGV[10]
while at <= size do
  place, correlation, score, at = struct.unpack('>I2c0I2c0I2c0', touched, at)
  place = ARGV[11] .. place
  redis.call('ZADD', place, 'GT', score, correlation)
  if redis.call('ZCARD', place) > tonumber(ARGV[12]) then redis.call('ZPOPMIN', place) end
  redis.call('EXPIRE', place, ARGV[5])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`

/**
 * Reads the records of one key together with the watermark of its partition: what is returned is everything below it.
 * KEYS 1 the records · 2 watermarks of the topic. ARGV 1 partition. Returns watermark ("" for none) and the records.
 */
export const READ = `
return { redis.call('HGET', KEYS[2], ARGV[1]) or '', redis.call('HVALS', KEYS[1]) }
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
