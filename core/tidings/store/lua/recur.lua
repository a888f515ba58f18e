#!lua flags=allow-oom
-- Sees that the next run of each of a batch of recurring kinds lies in the schedule, and no other.
--
-- Atomic, because any worker may ask at any time: the first to name a tick makes its job, and all others
-- find it there. So there is no leader, and the death of any worker changes nothing. (A full store takes it
-- all the same: it is one job for each kind, and a worker that could not ask would say so again and again.)
--
-- args = { partition, items };  item = { kind, tick_ms, spec, id, tier, envelope, correlation_id }
--   tick_ms: the kind's next tick after the store's time; spec: its schedule in words, '' if it has none any
--   more (its next run is then taken back); id: of the job to be made, if one must be.
-- Reply: MessagePack array { now_ms, next_ms, faults }: the store's time, and the earliest tick known; -1: none;
--   faults: for each kind whose next run could not be made: its name, a space, and why.
-- O(items).

local partition, items = unpack(args)
local earliest, faults = -1, {}

local function known(kind)
  local text = redis.call('HGET', recurring_key, kind)
  if not text then return 0, '', '' end
  local tick, id, spec = string.match(text, '^(%d+) (%S+) (.*)$')
  if not tick or #tick > 15 then return 0, '', '' end
  return tonumber(tick), id, spec
end

-- Only a run that has not begun: one that waits for a retry belongs to a tick that has passed.
-- Returns whether it was taken back.
local function take_back(id)
  local key = job_key(id)
  local state, attempt, seq, watchers = unpack(redis.call('HMGET', key, 'state', 'attempt', 'seq', 'watchers'))
  if state == 'scheduled' and tonumber(attempt) == 0 then
    seq = check_record(state, seq)
    redis.call('ZREM', scheduled_key, id)
    redis.call('DEL', key)
    tell(watchers, partition, id, seq + 1, FINAL, bare_tail('cancelled'))
    return true
  end
  return false
end

local function make(kind, tick, spec, id, tier, envelope, correlation)
  redis.call('HSET', job_key(id), 'kind', kind, 'tier', tier, 'seq', 1, 'attempt', 0, 'fence', 0,
    'submitted', now, 'state', 'scheduled', 'envelope', envelope, 'correlation_id', correlation)
  redis.call('ZADD', scheduled_key, tick, id)
  redis.call('HSET', recurring_key, kind, string.format('%.0f', tick) .. ' ' .. id .. ' ' .. spec)
  redis.call('PUBLISH', channels .. 'due', tick)
end

local function see_to(item)
  local kind, tick, spec, id, tier, envelope, correlation = unpack(item)
  local recorded, earlier, said = known(kind)
  local spent = recorded -- ticks up to this one have their run
  if spec ~= said and earlier ~= '' and (take_back(earlier) or recorded > now) then spent = 0 end
  if spec == '' then
    redis.call('HDEL', recurring_key, kind)
  else
    -- With another schedule too: a late call must not repeat a tick whose run has begun. It asks again.
    if spent < tick then
      make(kind, tick, spec, id, tier, envelope, correlation)
      recorded = tick
    end
    if earliest < 0 or recorded < earliest then earliest = recorded end
  end
  return 'ok'
end

for i, answer in ipairs(for_each(items, see_to)) do
  if answer ~= 'ok' then faults[#faults + 1] = items[i][1] .. ' ' .. string.sub(answer, 2) end
end

conclude()
return cmsgpack.pack({ now, earliest, faults })
