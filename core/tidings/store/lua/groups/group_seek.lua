#!lua flags=allow-oom
-- Moves one group to another place in the stream, for an operator; the other groups stay where they are.
--
-- Atomic, because what waits in the group's hand belongs to the place where it stood: it is dropped with the move. What
-- a worker has in hand right now it finishes: the next event of that job comes after it.
--
-- args = { group, to };  to: an entry id: the group goes on behind it; '$': behind the last event.
-- Reply: MessagePack array { answer, dropped, position, first }
--   answer: 'moved' or 'gone' (there is no such group); dropped: events that waited in its hand and are not tried again;
--   first: the first entry that the stream has, '' if it has none: what was before it cannot be replayed.
-- O(events in hand).

local group, to = unpack(args)
local key = group_key(group)
if redis.call('EXISTS', key) == 0 then return cmsgpack.pack({ 'gone', 0, '', '' }) end

local dropped = 0
local jobs = redis.call('HKEYS', group_jobs_key(group))
for _, job in ipairs(jobs) do
  local state = job_state(group, job) or { '', 0, {} }
  local due = redis.call('ZSCORE', group_due_key(group), job)
  local is_held = state[1] ~= '' and due and tonumber(due) > now
  dropped = dropped + #state[3] - (is_held and 1 or 0)
  write_job(group, job, { state[1], state[2], is_held and { state[3][1] } or {} }, due or now)
end

if to == '$' then
  to = last_event()
  redis.call('HSET', key, 'position', to, 'ordinal', count_of(group))
else
  redis.call('HSET', key, 'position', to)
  redis.call('HDEL', key, 'ordinal')
end
local first = redis.call('XRANGE', events_key, '-', '+', 'COUNT', 1)[1]
return cmsgpack.pack({ 'moved', dropped, to, first and first[1] or '' })
