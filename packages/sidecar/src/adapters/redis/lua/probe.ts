import { PLAN_LUA } from './plan.js'

/**
 * Reads the state back; a script of its own that writes nothing, so that it can run on a replica (I3). What is there is compared
 * with what should be there, key by key. A field whose changes commute has no value that it should have: for it the effect record
 * stands, which the undo wrote together with the difference.
 *
 * KEYS and ARGV 1 to 4 as UNDO. ARGV 5 idempotency key.
 * Returns {"seen", restored, expected, kept, digest, differences}, or {reason, …}.
 */
export const PROBE_LUA = `${PLAN_LUA}
local actions, why = load()
if not actions then return why end
-- The walk alone: it says which fields the step is about and what they were; nothing of its plan is used.
local plan = walk(actions, {})
if plan.problem then return plan.problem end
local record = redis.call('HMGET', KEYS[1], 'items', 'kept', 'appended')
local applied, kept = record[1] and true or false, {}
for _, one in ipairs(record[2] and cmsgpack.unpack(record[2]) or {}) do kept[table.concat(one, '\\0')] = true end
local appended = record[3] and cmsgpack.unpack(record[3]) or {}

local restored, expected, left, differences = 0, 0, 0, {}
local now = ms(redis.call('TIME'))
for _, key in ipairs(keys) do
  local s = states[key]
  local ttl = s.want['ttl\\0']
  -- Restored with a time to live that has passed meanwhile: gone is then as it should be.
  local expired = ttl and ttl.before and tonumber(ttl.before) <= now
  local open, spared, counted = {}, true, 0
  for _, c in ipairs(s.cells) do
    local want = s.want[c.id]
    if want and not (want.rule and want.rule.ignore) then
      counted = counted + 1
      local named = kept[key .. '\\0\\0'] or kept[key .. '\\0' .. c.kind .. '\\0' .. c.field]
      local good
      if want.delta and c.kind ~= 'ttl' then
        good = applied and not named
      else
        good = same(c.kind, s.found[c.id], not expired and want.before)
      end
      if not good then
        open[#open + 1] = difference(key, c.kind, c.field, want.before, want.after, s.found[c.id])
        spared = spared and named or false
      end
    end
  end
  if counted > 0 or next(s.want) then
    expected = expected + 1
    if #open == 0 then
      -- Only fields that are never a conflict: whether the undo ran is all that there is to see.
      restored = restored + ((counted > 0 or applied) and 1 or 0)
    else
      if spared then left = left + 1 end
      for _, one in ipairs(open) do differences[#differences + 1] = one end
    end
  end
end
local n = 0
for _, action in ipairs(actions) do
  for _, append in ipairs(action.appends or {}) do
    n, expected = n + 1, expected + 1
    local id = appended[n] and appended[n][2]
    local entry = id and redis.call('XRANGE', append.stream, id, id)[1]
    if entry and entry[2][2] == ARGV[5] .. '/' .. n then
      restored = restored + 1
    else
      differences[#differences + 1] = { append.stream, 'entry', ARGV[5] .. '/' .. n, 'reversing entry', false, false }
    end
  end
end
return { 'seen', restored, expected, left, digest('found'), differences }
`
