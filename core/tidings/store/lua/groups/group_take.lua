#!lua flags=allow-oom
-- Gives a worker of a group events to handle, and renews its lease of those that it has in hand.
--
-- Atomic, because an event must be in hand of one worker at the most, and the position of the group may move only with
-- what it has taken. Of each job one event is given at a time (lib/events/group_state.lua); a job whose lease ran out, or whose next
-- try is due, comes first.
--
-- args = { group, worker, serves, held, lease_ms, most, max_jobs };
--   serves: { glob, events } … that this worker has handlers for: an event of another one of the group's patterns waits
--   for a worker that has; held: the jobs of which it has an event in hand; most: how many it takes;
--   max_jobs: of which the group may have events in hand or waiting: past it the stream is read no further.
-- Reply: MessagePack array { state, events, lost, position, wait_ms, missed, more, now_ms }
--   state: 'ok', 'paused' (nothing is given) or 'gone' (there is no such group: join again);
--   events: { job, entry, tries, name, kind, correlation_id, owner, frame } …; tries: how often it has been given by now;
--   lost: of `held`, jobs whose lease another worker has; position: the last entry that the group has taken;
--   wait_ms: until something is due; -1: nothing is; missed: events that were trimmed before the group had taken them;
--   more: 1 if it stopped before it had seen the whole stream.
-- O(held + events seen).

local group_name, worker, serves, held, lease, most, max_jobs = unpack(args)
local TAKE_BYTES = 1048576
local SEEN_MOST = 2000
local BEHIND_MOST = 1000
local HAND_ON_MS = 1000
local given, lost, bytes, more = {}, {}, 0, 0

local group, patterns = load_group(group_name), patterns_of(group_name)
if not group or not patterns then return cmsgpack.pack({ 'gone', {}, {}, '', -1, 0, 0, now }) end
local served = {}
for i, one in ipairs(serves) do served[i] = { lua_pattern(one[1]), one[2] } end

for _, job in ipairs(held) do
  local state = job_state(group_name, job)
  if state and state[1] == worker then
    redis.call('ZADD', group_due_key(group_name), 'XX', now + lease, job)
  else
    lost[#lost + 1] = job
  end
end

local function give(job, state, event)
  if not follows(served, event.kind, event.name) then
    state[1] = ''
    return write_job(group_name, job, state, now + HAND_ON_MS)
  end
  state[1], state[2] = worker, state[2] + 1
  write_job(group_name, job, state, now + lease)
  bytes = bytes + #event.frame
  given[#given + 1] = { job, event.entry, state[2], event.name, event.kind, event.correlation, event.owner, event.frame }
end

-- Gives the first event that a job has left. Events that were trimmed meanwhile have been missed.
local function give_due(job)
  local state = job_state(group_name, job)
  while state and state[3][1] do
    local event = read_event(state[3][1])
    if event and follows(patterns, event.kind, event.name) then return give(job, state, event) end
    if not event then note_missed(group, 1, state[3][1]) end
    table.remove(state[3], 1)
    state[2] = 0
  end
  write_job(group_name, job, { '', 0, {} }, 0)
end

-- Looks at an entry that the group has not taken yet; returns whether it was taken.
local function take(event)
  local before, with = ordinals_in(event, group.pattern)
  if before and group.ordinal and before > group.ordinal then
    note_missed(group, before - group.ordinal, event.entry)
  end
  if (event.only == '' or event.only == group_name) and follows(patterns, event.kind, event.name) then
    local state = job_state(group_name, event.job)
    if state then
      if #state[3] >= BEHIND_MOST then return false end
      state[3][#state[3] + 1] = event.entry
      redis.call('HSET', group_jobs_key(group_name), event.job, cmsgpack.pack(state))
    else
      give(event.job, { '', 0, { event.entry } }, event)
    end
  end
  group.position, group.ordinal = event.entry, with or group.ordinal
  return true
end

-- Takes entries until the worker has enough, or there are no more. Returns whether it saw the end.
local function take_all()
  local seen, room = 0, max_jobs - redis.call('HLEN', group_jobs_key(group_name))
  while #given < most and seen < SEEN_MOST and bytes < TAKE_BYTES and room > 0 do
    local step = math.min(most - #given, room, 100)
    local found = redis.call('XRANGE', events_key, '(' .. group.position, '+', 'COUNT', step)
    for _, entry in ipairs(found) do
      if not take(event_in(entry)) or bytes >= TAKE_BYTES then return false end
    end
    seen, room = seen + #found, room - #found
    if #found < step then return true end
  end
  return false
end

if not group.paused and most > 0 then
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', group_due_key(group_name), '-inf', now, 'LIMIT', 0, most)) do
    give_due(job)
  end
  local position = group.position
  if not take_all() then
    more = 1
  else
    local total = count_of(group_name)
    if group.ordinal and total > group.ordinal then note_missed(group, total - group.ordinal, string.format('%.0f-0', now)) end
    group.ordinal = total
  end
  if group.position ~= position or group.ordinal then
    redis.call('HSET', group_key(group_name), 'position', group.position, 'ordinal', group.ordinal or '')
  end
end

local next_due = redis.call('ZRANGE', group_due_key(group_name), 0, 0, 'WITHSCORES')
local wait = next_due[2] and math.max(math.ceil(next_due[2] - now), 0) or -1
return cmsgpack.pack({ group.paused and 'paused' or 'ok', given, lost, group.position, wait, group.lost or 0, more,
  now })
