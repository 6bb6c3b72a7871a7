/**
 * Puts the fence and tells what is in the undo log, in one script: no captured write can come between the two. Images stay here.
 *
 * KEYS 1 undo log · 2 fence. ARGV 1 label · 2 fence's text · 3 its retention, ms
 * Returns one list an entry: action ID, sequence, at, action, resource, keys.
 */
export const FENCE_LUA = `
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
local found, flat = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  local entry = cmsgpack.unpack(flat[i + 1])
  local keys, seen = {}, {}
  for _, item in ipairs(entry.items) do
    if not seen[item[1]] then
      seen[item[1]] = true
      keys[#keys + 1] = item[1]
    end
  end
  found[#found + 1] = { flat[i], entry.seq, entry.at, entry.action, entry.resource, keys }
end
return found
`

/**
 * The keys that entries of the undo log are about: they must be declared to the script that touches them.
 * KEYS 1 undo log. ARGV 1 label · 2… action IDs. Returns {"keys", key…} or {"missing", action ID}.
 */
export const KEYS_LUA = `
local answer, seen = { 'keys' }, {}
for i = 2, #ARGV do
  local raw = redis.call('HGET', KEYS[1], ARGV[i])
  if not raw then return { 'missing', ARGV[i] } end
  for _, item in ipairs(cmsgpack.unpack(raw).items) do
    if not seen[item[1]] then
      seen[item[1]] = true
      answer[#answer + 1] = item[1]
    end
  end
end
return answer
`

/**
 * The next captured actions that nobody published, for the one process that holds the lease.
 *
 * KEYS 1 outbox · 2 lease. ARGV 1 label · 2 who asks · 3 lease, ms · 4 limit · 5 prefix of undo logs up to the opening brace
 * Returns one list an entry: cursor, correlation ID, action ID, at, action, resource, keys, digest; nothing without the lease.
 */
export const RELAY_LUA = `
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then return {} end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
local out = {}
for _, one in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[4])) do
  local correlation, action = one[2][2], one[2][4]
  local raw = redis.call('HGET', ARGV[5] .. correlation .. '}', action)
  if raw then
    local entry = cmsgpack.unpack(raw)
    local keys, seen = {}, {}
    for _, item in ipairs(entry.items) do
      if not seen[item[1]] then
        seen[item[1]] = true
        keys[#keys + 1] = item[1]
      end
    end
    out[#out + 1] = { one[1], correlation, action, entry.at, entry.action, entry.resource, keys, 'sha1:' .. redis.sha1hex(raw) }
  else
    -- Older than its own retention: nothing could be undone by it, and it must not hold up what comes after it.
    out[#out + 1] = { one[1] }
  end
end
return out
`
