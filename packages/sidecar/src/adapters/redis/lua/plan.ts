import { STATE_LUA } from '@unwind/runtime/redis-log'

/**
 * What is to become of each field: decided in Redis, from the state found there, before anything is written. Undo and preview run
 * this same text, so a preview cannot promise what the undo does not do.
 *
 * Input, ARGV: 2 resolution of a named actor or "" · 3 rules by action, JSON · 4 source, JSON: `{"ids": […]}` names entries of the
 * undo log in KEYS[2], `{"actions": […]}` brings the images along. KEYS from 3 on are all keys that may be touched.
 *
 * `load()` gives the actions in the order in which they are undone, or an answer that says why not.
 * `review(actions, …)` walks them over a virtual state: a field that two actions of the step changed is compared for the later
 * one with what is there, for the earlier one with what undoing the later one leaves.
 */
export const PLAN_LUA = `${STATE_LUA}
local declared = {}
for i = 3, #KEYS do declared[KEYS[i]] = true end
local rules = cjson.decode(ARGV[3])

local function value_of(kind, value)
  if value == cjson.null or value == nil then return false end
  if kind == 'list' and type(value) == 'table' then return cmsgpack.pack(value) end
  return value
end
local function load()
  local source = cjson.decode(ARGV[4])
  if source.actions then
    for _, action in ipairs(source.actions) do
      for _, item in ipairs(action.items) do
        for _, field in ipairs(item[3]) do
          field[2], field[3] = value_of(item[2], field[2]), value_of(item[2], field[3])
        end
      end
    end
    return source.actions
  end
  local actions = {}
  for i, id in ipairs(source.ids) do
    local raw = redis.call('HGET', KEYS[2], id)
    if not raw then return nil, { 'missing', id } end
    local entry = cmsgpack.unpack(raw)
    if entry.v ~= 1 then return nil, { 'version', id } end
    actions[i] = { action = entry.action, items = entry.items, appends = {} }
  end
  return actions
end

local function rule_for(action, key, field)
  for _, rule in ipairs((rules[action] or {}).rules or {}) do
    if string.find(key, rule.key) and string.find(field, rule.field) then return rule end
  end
  return nil
end
local function policy_for(action)
  if ARGV[2] ~= '' then return ARGV[2] end
  return (rules[action] or {}).onConflict or 'park'
end

-- The state of all keys that were looked at: what was found, and what it is to become.
local states, keys = {}, {}
local function state(key)
  if not states[key] then
    states[key] = { key = key, kind = kind_of(key), found = {}, now = {}, cells = {}, want = {} }
    keys[#keys + 1] = key
  end
  return states[key]
end
local function cell(s, kind, field)
  local id = kind .. '\\0' .. field
  if s.found[id] == nil then
    s.found[id] = fetch(s.key, kind, s.kind, field)
    s.now[id] = s.found[id]
    s.cells[#s.cells + 1] = { id = id, kind = kind, field = field }
  end
  return id
end
local function shown(kind, value)
  if kind == 'list' and value then return cmsgpack.unpack(value) end
  return value
end
local function difference(key, kind, field, before, after, current)
  return { key, kind, field, shown(kind, before), shown(kind, after), shown(kind, current) }
end

local EXACT = 9007199254740992
local function text_of(number)
  if number % 1 == 0 and math.abs(number) <= EXACT then return string.format('%.0f', number) end
  return string.format('%.15g', number)
end
-- Only numbers that a double holds exactly: a rounded balance would be a wrong one.
local function number_of(value)
  if not value then return 0 end
  local number = tonumber(value)
  if not number or number ~= number or math.abs(number) == math.huge then return nil end
  if number % 1 == 0 then return math.abs(number) <= EXACT and number or nil end
  local digits = string.gsub(string.gsub(string.gsub(value, '[eE].*$', ''), '[^%d]', ''), '^0+', '')
  return #digits <= 15 and number or nil
end

-- kept: keys whose newer data stays as a whole, found out by an earlier walk.
local function walk(actions, kept)
  states, keys = {}, {}
  local out = { conflicts = {}, keep = {}, left = {}, deltas = {}, problem = nil }
  local function against(policy, s, kind, field, before, after, current, id, bound)
    if policy == 'keep' then
      out.keep[s.key] = true
    elseif policy == 'merge' then
      s.left = s.left or {}
      s.left[id] = true
      out.left[#out.left + 1] = { s.key, kind, field }
    elseif policy == 'force' and not bound then
      s.now[id] = before
    else
      out.conflicts[#out.conflicts + 1] = difference(s.key, kind, field, before, after, current)
    end
  end
  local function visit(action, key, kind, field)
    local name, before, after = field[1], field[2], field[3]
    local s = state(key)
    local id = cell(s, kind, name)
    local rule = rule_for(action, key, kind == 'ttl' and '(ttl)' or name)
    local delta = field[4] == true or (rule and rule.delta)
    if not s.want[id] then s.want[id] = { after = after, rule = rule, delta = delta } end
    s.want[id].before = before
    s.want[id].added = s.want[id].added or field[4] == true
    if kept[key] or (s.left and s.left[id]) then return end
    local policy = policy_for(action)
    s.policy = policy
    if delta and kind ~= 'ttl' then
      local one, other = number_of(before), number_of(after)
      if not one or not other then
        out.problem = { 'number', key, name }
        return
      end
      local d = s.want[id].net
      if not d then
        s.want[id].net, s.want[id].policy = 0, policy
        out.deltas[#out.deltas + 1] = { s = s, id = id, kind = kind, field = name }
      end
      s.want[id].net = s.want[id].net + one - other
    elseif same(kind, s.now[id], before) then
      s.now[id] = before
    elseif same(kind, s.now[id], after) then
      s.now[id] = before
    elseif not (rule and rule.ignore) then
      against(policy, s, kind, name, before, after, s.now[id], id, false)
    end
  end
  for _, action in ipairs(actions) do
    for i = #action.items, 1, -1 do
      local item = action.items[i]
      if not declared[item[1]] then
        out.problem = { 'undeclared', item[1] }
        return out
      end
      for _, field in ipairs(item[3]) do visit(action.action, item[1], item[2], field) end
    end
  end
  -- Changes that commute are summed up first: only what they come to may break a bound.
  for _, d in ipairs(out.deltas) do
    local want, current = d.s.want[d.id], d.s.found[d.id]
    local number = number_of(current)
    local function clash(bound)
      against(want.policy, d.s, d.kind, d.field, want.before, want.after, current, d.id, bound)
    end
    if not number or (d.s.kind ~= 'none' and d.s.kind ~= d.kind) then
      -- What was recorded as a mere difference has no value that could be forced.
      clash(want.added)
    else
      local result = number + want.net
      local rule = want.rule or {}
      local breaks = (rule.min and want.net < 0 and result < rule.min) or (rule.max and want.net > 0 and result > rule.max)
      if not want.added and same(d.kind, current, want.after) then
        d.s.now[d.id] = want.before
      elseif breaks then
        clash(true)
      else
        d.s.now[d.id] = text_of(result)
      end
    end
  end
  -- A key has one type: what is put into it must not meet elements of another one that stay.
  for _, key in ipairs(keys) do
    local s = states[key]
    local gone, put_kind = 0, nil
    for _, c in ipairs(s.cells) do
      if c.kind ~= 'ttl' then
        if s.found[c.id] and not s.now[c.id] then gone = gone + 1 end
        if s.now[c.id] and s.now[c.id] ~= s.found[c.id] and c.kind ~= s.kind then put_kind = c.kind end
      end
    end
    if put_kind and s.kind ~= 'none' and not kept[key] and size(key, s.kind) > gone then
      if s.policy == 'force' then
        for field in pairs(dump(key, s.kind)) do s.now[cell(s, s.kind, field)] = false end
      elseif s.policy == 'keep' or s.policy == 'merge' then
        out.keep[key] = true
      else
        out.conflicts[#out.conflicts + 1] = { key, 'type', '', put_kind, false, s.kind }
      end
    end
  end
  return out
end

local function decide(actions)
  local first = walk(actions, {})
  if first.problem or not next(first.keep) then
    first.keep = {}
    return first
  end
  -- Newer data in one field keeps its whole key: walked again without those keys.
  local again = walk(actions, first.keep)
  again.keep = first.keep
  return again
end

local function digest(which)
  local parts = {}
  for _, key in ipairs(keys) do
    for _, c in ipairs(states[key].cells) do
      parts[#parts + 1] = cmsgpack.pack({ key, c.id, states[key][which][c.id] })
    end
  end
  return 'sha1:' .. redis.sha1hex(table.concat(parts))
end
local function touched_count()
  local n = 0
  for _, key in ipairs(keys) do
    if next(states[key].want) then n = n + 1 end
  end
  return n
end
`
