#!lua flags=allow-oom
-- Moves jobs that are due from the schedule into their queues, those that wait among them: their timer, or
-- their deadline, has come. Any worker may run it at any time.
--
-- Atomic, because a job must be in one of the two places, and in one only.
--
-- args = { partition, result_ttl_ms, limit }
-- Reply: MessagePack array { moved, wait_ms }: how many were moved, and how long until the next is due;
--   wait_ms is -1 if the schedule is empty.
-- O(limit · log(schedule)).

local partition, ttl, limit = unpack(args)

local due = redis.call('ZRANGEBYSCORE', scheduled_key, '-inf', now, 'LIMIT', 0, limit)
for _, id in ipairs(due) do
  local key = job_key(id)
  redis.call('ZREM', scheduled_key, id)
  local state, tier, envelope, seq, watchers, deadline, logged, caller, unique, saga, unwinding = unpack(redis.call('HMGET',
    key, 'state', 'tier', 'envelope', 'seq', 'watchers', 'deadline', 'logged', 'caller', 'unique', 'saga', 'unwinding'))
  if state == 'scheduled' or state == 'waiting' then
    seq = seq + 1
    local late = deadline and tonumber(deadline) <= now and not unwinding
    if late and turn(id, saga, 'expired') then
      requeue(id, tier, envelope, seq, watchers, partition, UNWINDING_TAIL)
    elseif late then
      finish(id, 'expired', { 'seq', seq }, ttl, logged, caller, unique, saga)
      tell(watchers, partition, id, seq, FINAL, bare_tail('expired'))
    elseif state == 'waiting' then
      redis.call('HDEL', key, 'parked') -- nobody woke it: what it waits for is looked at anew
      requeue(id, tier, envelope, seq, watchers, partition, bare_tail('queued'))
    else
      enqueue(id, tier, envelope)
      redis.call('HSET', key, 'seq', seq)
      redis.call('HDEL', key, 'envelope')
      tell(watchers, partition, id, seq, CHANGE, bare_tail('queued'))
    end
  end
end

local next_due = redis.call('ZRANGE', scheduled_key, 0, 0, 'WITHSCORES')
conclude()
return cmsgpack.pack({ #due, next_due[2] and math.max(next_due[2] - now, 0) or -1 })
