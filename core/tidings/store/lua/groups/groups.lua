#!lua flags=allow-oom
-- Reads where the groups of a partition stand, for operators and metrics.
--
-- Atomic, because the position of a group and the end of the stream must be of one moment.
--
-- args = { with_feeds };  with_feeds: 1: feeds too, whose names begin with `~`; else without them.  Reply: MessagePack array { now_ms, events, bytes, groups }
--   events, bytes: that the stream holds, bytes about; group = { name, patterns, since_ms, position, behind, oldest_ms,
--   jobs, missed, missed_from, missed_before, missed_at, paused_ms, handled, dead }
--   patterns: { glob, events } …; behind: events that it follows and has not handled, -1: not known, because an
--   operator moved it to where it was not there yet; oldest_ms: of the first of them, 0: there is none; jobs: of which it
--   has events in hand or waiting; missed: events that were trimmed before it had taken them, those too that it will
--   find missing; dead: letters.
-- O(groups · LOOK).

local with_feeds = unpack(args)
local LOOK = 100

local function in_hand(group)
  local behind = 0
  for _, text in ipairs(redis.call('HVALS', group_jobs_key(group))) do
    local done_well, state = pcall(cmsgpack.unpack, text)
    if done_well and type(state) == 'table' and type(state[3]) == 'table' then behind = behind + #state[3] end
  end
  return behind
end

local function ms_of(entry) return tonumber(string.match(entry, '^%d+')) or 0 end

-- Returns how many events of a group stand after its position, when the first was written, and how many were trimmed
-- that it does not know of yet.
local function look_ahead(group, total)
  local first, next_before
  for _, entry in ipairs(redis.call('XRANGE', events_key, '(' .. group.position, '+', 'COUNT', LOOK)) do
    local event = event_in(entry)
    first = first or ms_of(event.entry)
    next_before = ordinals_in(event, group.pattern)
    if next_before then break end
  end
  if next_before then
    return total - next_before, first, group.ordinal and math.max(next_before - group.ordinal, 0) or 0
  end
  if first then return group.ordinal and total - group.ordinal or -1, first, 0 end
  return 0, 0, group.ordinal and math.max(total - group.ordinal, 0) or 0
end

local DETAILS = { 'since', 'missed_from', 'missed_before', 'missed_at', 'paused', 'handled', 'dead' }

local function describe(name, record)
  local group = load_group(name)
  if not group then return nil end
  local details = redis.call('HMGET', group_key(name), unpack(DETAILS))
  local total, patterns = count_of(name), {}
  for i, one in ipairs(record.patterns) do patterns[i] = { one[3], one[2] } end
  local ahead, first, trimmed = look_ahead(group, total)
  local due = redis.call('ZRANGE', group_due_key(name), 0, 0)[1]
  local state = due and job_state(name, due)
  local oldest = state and state[3][1] and ms_of(state[3][1]) or first or 0
  return { name, patterns, count_in(details[1]), group.position, ahead < 0 and -1 or ahead + in_hand(name), oldest,
    redis.call('HLEN', group_jobs_key(name)), group.missed + trimmed, details[2] or '', details[3] or '',
    count_in(details[4]), count_in(details[5]), count_in(details[6]), redis.call('XLEN', group_dead_key(name)) }
end

local found = {}
local flat = redis.call('HGETALL', groups_key)
for i = 1, #flat, 2 do
  local name = string.sub(flat[i], 2)
  local is_shown = string.sub(flat[i], 1, 1) == ':' and (with_feeds == 1 or string.sub(name, 1, 1) ~= '~')
  local record = is_shown and decode_group(name, flat[i + 1])
  found[#found + 1] = record and describe(name, record) or nil
end
local bytes, cut = unpack(redis.call('HMGET', event_counts_key, 'bytes', 'cut'))
local events = redis.call('XLEN', events_key)
return cmsgpack.pack({ now, events, events > 0 and math.max(count_in(bytes) - count_in(cut), 0) or 0, found })
