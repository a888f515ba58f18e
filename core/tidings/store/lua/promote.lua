#!lua flags=allow-oom
-- Moves jobs that are due from the schedule into their queues; those that wait among them (their timer, or their
-- deadline, has come), and those that stepped aside (the turn of a rate, or their deadline, has). Any worker may run
-- it at any time. The deadlines that have passed are seen to as well (expire.lua).
--
-- Atomic, because a job must be in one of the two places, and in one only.
--
-- args = { partition, result_ttl_ms, keep, most }
-- Reply: MessagePack array { moved, wait_ms, faults }: how many were moved, and how long until the next is due, or late;
--   wait_ms is -1 if the schedule is empty; faults: for each job that ended because its record cannot be read: its id,
--   a space, and why.
-- O(most · log(schedule)); it stops early where the envelopes that it moves are many bytes.

local partition, ttl, kept, most = unpack(args)
keep = kept
local MOVED_BYTES = 4194304
local bytes, moved, faults = 0, 0, {}

local function move(id)
  local key = job_key(id)
  redis.call('ZREM', scheduled_key, id)
  local state, tier, envelope, seq, watchers, deadline, logged, caller, unique, saga, unwinding, limit, entry, size =
    unpack(redis.call('HMGET', key, 'state', 'tier', 'envelope', 'seq', 'watchers', 'deadline', 'logged', 'caller', 'unique',
      'saga', 'unwinding', 'limit', 'entry', 'size'))
  if not state then return end
  seq = check_record(state, seq)
  bytes = bytes + (envelope and #envelope or 0)
  local is_aside = state == 'queued' and not entry
  local late = deadline and whole(deadline, 'deadline') <= now and not unwinding
  if is_aside and not late then
    if not limit or redis.call('ZSCORE', limited_key(limit), id) == false then step_back(id, tier, envelope, caller) end
  elseif state == 'scheduled' or state == 'waiting' or is_aside then
    seq = seq + 1
    if late and is_aside then leave_aside(id, tier) end
    if late and turn(id, saga, 'expired') then
      if limit then release(limit, id) end
      requeue(id, tier, envelope, seq, watchers, partition, UNWINDING_TAIL)
    elseif late then
      finish(id, 'expired', { 'seq', seq }, ttl, logged, caller, unique, saga, limit, size, deadline)
      tell(watchers, partition, id, seq, FINAL, bare_tail('expired'))
    elseif state == 'waiting' then
      redis.call('HDEL', key, 'parked') -- nobody woke it: what it waits for is looked at anew
      requeue(id, tier, envelope, seq, watchers, partition, bare_tail('queued'))
    else
      enqueue(id, tier, envelope, caller)
      redis.call('HSET', key, 'seq', seq)
      redis.call('HDEL', key, 'envelope')
      tell(watchers, partition, id, seq, CHANGE, bare_tail('queued'))
    end
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled_key, '-inf', now, 'LIMIT', 0, most)) do
  if bytes >= MOVED_BYTES then break end
  moved = moved + 1
  local done_well, reason = pcall(move, id)
  if not done_well then
    faults[#faults + 1] = id .. ' ' .. string.sub(fault_of(reason), 2)
    pcall(give_up, id, partition, ttl, BROKEN)
  end
end

local next_due = redis.call('ZRANGE', scheduled_key, 0, 0, 'WITHSCORES')
local wait = next_due[2] and math.min(math.ceil(math.max(next_due[2] - now, 0)), 86400000) or -1
local late, late_wait = expire_late(partition, ttl, most, faults)
if wait < 0 or (late_wait >= 0 and late_wait < wait) then wait = late_wait end
conclude()
return cmsgpack.pack({ moved + late, wait, faults })
