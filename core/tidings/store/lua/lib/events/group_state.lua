-- The groups that consume events: where each stands in the stream of its partition, and what it has in hand.
--
-- A group takes the stream in order. `position` in its record is the last entry it has taken; `ordinal` is how many of
-- its events there were up to there, nil after an operator moved the group. An event that was taken stays in
-- `group-jobs`, a hash of jobs: { worker, tries, entries }, where the first entry is the one that a worker has in hand,
-- or that waits for its next try, and the others wait behind it. So the events of one job stay in order, however many
-- workers the group has, and no job waits for another. `group-due` says when a job is to be looked at: at the end of the
-- worker's lease, or at the next try.

local function group_key(group) return root .. 'group:' .. group end
local function group_jobs_key(group) return root .. 'group-jobs:' .. group end
local function group_due_key(group) return root .. 'group-due:' .. group end
local function group_dead_key(group) return root .. 'group-dead:' .. group end

local GROUP_FIELDS = { 'position', 'ordinal', 'missed', 'paused' }

-- Reads a group's record; nil: there is no such group.
local function load_group(group)
  local found = redis.call('HMGET', group_key(group), unpack(GROUP_FIELDS))
  if not found[1] then return nil end
  return { name = group, position = found[1], ordinal = found[2] and found[2] ~= '' and count_in(found[2]) or nil, missed = count_in(found[3]),
    paused = found[4], pattern = ' ' .. string.gsub(group, '[^%w]', '%%%0') .. ' (%+?)(%d+) ' }
end

-- Returns what a group follows at this moment, whatever the library has read before: its patterns; nil: no such group.
local function patterns_of(group)
  local text = redis.call('HGET', groups_key, ':' .. group)
  local record = text and decode_group(group, text)
  return record and record.patterns
end

-- Takes an entry of the stream apart.
local function event_in(entry)
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  return { entry = entry[1], job = fields.job or '', name = fields.event or '', kind = fields.kind or '',
    counts = fields.counts or '', correlation = fields.correlation or '', owner = fields.owner or '',
    frame = fields.frame or '', only = fields.only or '' }
end

local function read_event(entry)
  local found = redis.call('XRANGE', events_key, entry, entry)
  return found[1] and event_in(found[1])
end

-- Returns how many of a group's events there were before an entry, and with it; nil: the group was not there then.
local function ordinals_in(event, pattern)
  local mark, count = string.match(event.counts, pattern)
  count = tonumber(count)
  if not count then return nil end
  return mark == '+' and count - 1 or count, count
end

-- Notes that a group has missed events between its position and `before`, an entry or now.
local function note_missed(group, count, before)
  group.lost = (group.lost or 0) + count
  group.missed = group.missed + count
  redis.call('HSET', group_key(group.name), 'missed', group.missed, 'missed_from', group.position, 'missed_before', before,
    'missed_at', now)
end

-- Returns how many events of a group the counts of the partition hold.
local function count_of(group) return count_in(redis.call('HGET', event_counts_key, ':' .. group)) end

local function job_state(group, job)
  local text = redis.call('HGET', group_jobs_key(group), job)
  if not text then return nil end
  local done_well, state = pcall(cmsgpack.unpack, text)
  return done_well and type(state) == 'table' and type(state[3]) == 'table' and state or nil
end

-- Writes what a group has of a job; due: when to look at it. A job of which nothing is left is forgotten.
local function write_job(group, job, state, due)
  if #state[3] == 0 then
    redis.call('HDEL', group_jobs_key(group), job)
    redis.call('ZREM', group_due_key(group), job)
  else
    redis.call('HSET', group_jobs_key(group), job, cmsgpack.pack(state))
    redis.call('ZADD', group_due_key(group), due, job)
  end
end

-- Returns the id of the last entry that the stream has had, or '0-0'.
local function last_event()
  local info = redis.pcall('XINFO', 'STREAM', events_key)
  if info.err then return '0-0' end
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
  return '0-0'
end
