import { PLAN_LUA } from './plan.js'

/**
 * Check, effect and effect record of one step, in one script (I2, I6). Redis takes back nothing of a script that fails half-way, so
 * all is decided before the first write, and should a write fail nevertheless, what was written is put back.
 *
 * KEYS 1 effect record · 2 undo log (the effect record again: images come along) · 3… every key that may be touched
 * ARGV 1 label · 2 resolution or "" · 3 rules · 4 source · 5 retention of the effect record, ms · 6 idempotency key
 *      7 "stale": an effect record of this step may have expired already
 * Returns {"applied", before, items, from digest, kept names}, {"conflict", differences}, or {reason, …}: nothing was changed then.
 */
export const UNDO_LUA = `${PLAN_LUA}
if redis.call('EXISTS', KEYS[1]) == 1 then
  local record = redis.call('HMGET', KEYS[1], 'items', 'from', 'kept')
  return { 'applied', 1, tonumber(record[1]), record[2], cmsgpack.unpack(record[3]) }
end
if ARGV[7] == 'stale' then return { 'stale' } end
local actions, why = load()
if not actions then return why end
local plan = decide(actions)
if plan.problem then return plan.problem end
if #plan.conflicts > 0 then return { 'conflict', plan.conflicts } end
for _, action in ipairs(actions) do
  for _, append in ipairs(action.appends or {}) do
    local kind = kind_of(append.stream)
    if not declared[append.stream] then return { 'undeclared', append.stream } end
    if kind ~= 'none' and kind ~= 'stream' then return { 'conflict', { { append.stream, 'type', '', 'stream', false, kind } } } end
  end
end

local writes = {}
local function write(s)
  local changed, crosses = {}, false
  for _, c in ipairs(s.cells) do
    if c.kind ~= 'ttl' and s.found[c.id] ~= s.now[c.id] then
      changed[#changed + 1] = c
      crosses = crosses or (s.now[c.id] and c.kind ~= s.kind)
    end
  end
  -- Sets come before removals, so that a key does not vanish in between and lose its TTL; unless its type changes.
  for turn = 1, 2 do
    for _, c in ipairs(changed) do
      if (s.now[c.id] and true or false) == ((turn == 1) ~= (crosses and true or false)) then
        put(s.key, c.kind, c.field, s.now[c.id])
        writes[#writes + 1] = { s, c }
      end
    end
  end
  if s.timed then put_expiry(s.key, s.now['ttl\\0']) end
end
local function put_back()
  for i = #writes, 1, -1 do
    local s, c = writes[i][1], writes[i][2]
    put(s.key, c.kind, c.field, s.found[c.id])
  end
  for _, one in ipairs(writes) do
    if one[1].timed then put_expiry(one[1].key, one[1].found['ttl\\0']) end
  end
end
local function written(s)
  for _, c in ipairs(s.cells) do
    if s.found[c.id] ~= s.now[c.id] then return true end
  end
  return false
end

local from = digest('found')
local pending = {}
for _, key in ipairs(keys) do
  local s = states[key]
  if written(s) then
    -- A write in place leaves the TTL alone. A key that may be gone for a moment would lose it.
    s.timed = s.found['ttl\\0'] ~= nil
    for _, c in ipairs(s.cells) do
      if c.kind == 'list' or not s.now[c.id] or c.kind ~= s.kind then s.timed = true end
    end
    if s.timed then cell(s, 'ttl', '') end
    pending[#pending + 1] = s
  end
end
local kept = {}
for key in pairs(plan.keep) do kept[#kept + 1] = { key, '', '' } end
for _, one in ipairs(plan.left) do kept[#kept + 1] = one end
table.sort(kept, function(a, b) return table.concat(a, '\\0') < table.concat(b, '\\0') end)

local appended = {}
local ok, failure = pcall(function()
  for _, s in ipairs(pending) do write(s) end
  local n = 0
  for a, action in ipairs(actions) do
    for _, append in ipairs(action.appends or {}) do
      n = n + 1
      local fields = { 'unwind-id', ARGV[6] .. '/' .. n }
      for _, part in ipairs(append.fields) do fields[#fields + 1] = part end
      appended[n] = { append.stream, redis.call('XADD', append.stream, '*', unpack(fields)) }
    end
  end
  redis.call('HSET', KEYS[1], 'items', touched_count() + #appended, 'from', from, 'kept', cmsgpack.pack(kept),
    'appended', cmsgpack.pack(appended))
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end)
if not ok then
  local why = type(failure) == 'table' and failure.err or tostring(failure)
  local back = #writes == 0 and #appended == 0 or pcall(function()
    put_back()
    for _, one in ipairs(appended) do redis.call('XDEL', one[1], one[2]) end
    redis.call('DEL', KEYS[1])
  end)
  return { back and 'undone' or 'torn', why }
end
return { 'applied', 0, touched_count() + #appended, from, kept }
`

/** What UNDO would meet. KEYS and ARGV 1 to 4 as there. Returns {"plan", items, differences}, or {reason, …}. Writes nothing. */
export const PREVIEW_LUA = `${PLAN_LUA}
local actions, why = load()
if not actions then return why end
local applied = redis.call('EXISTS', KEYS[1]) == 1
local plan = decide(actions)
if plan.problem then return plan.problem end
local items = 0
for _, action in ipairs(actions) do items = items + #(action.appends or {}) end
return { 'plan', applied and 0 or items + touched_count(), applied and {} or plan.conflicts }
`
