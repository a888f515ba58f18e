#!lua flags=allow-oom
-- Puts the next run of each of a batch of recurring kinds into the schedule, and no other run of it.
--
-- Atomic, because any worker may ask at any time: the first to name a tick makes its job, and all others find it there.
-- So there is no leader, and the death of any worker changes nothing. (A full store takes it all the same: it is one
-- job for each kind, and a worker that could not ask would ask again and again.)
--
-- args = { partition, items };  item = { kind, tick_ms, spec, id, tier, envelope, correlation_id, webhook, version }
--   tick_ms: the kind's next tick after the store's time; spec: its schedule in words, '' if it recurs no longer (its
--   next run is then taken back); id: of the job to be made, if one must be; webhook: as in its record, '' or nil: none;
--   version: of the kind.
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

local RUN_FIELDS = { 'state', 'attempt', 'seq', 'watchers', 'kind' }

-- Takes back a run that has not begun: a run that waits for a retry belongs to a tick that has passed.
-- Returns whether it was taken back.
local function take_back(id)
  local job = load_job(id, RUN_FIELDS)
  if job.state == SCHEDULED and tonumber(job.attempt) == 0 then
    job.seq = check_record(job.state, job.seq) + 1
    redis.call('ZREM', scheduled_key, id)
    redis.call('DEL', job_key(id))
    tell(job, partition, FINAL, bare_tail(CANCELLED))
    return true
  end
  return false
end

local function make(item)
  local kind, tick, spec, id, tier, envelope, correlation, webhook, version = unpack(item)
  redis.call('HSET', job_key(id), 'kind', kind, 'tier', tier, 'seq', 1, 'attempt', 0, 'fence', 0,
    'submitted', now, 'state', SCHEDULED, 'envelope', envelope, 'correlation_id', correlation)
  if (webhook or '') ~= '' then
    redis.call('HSET', job_key(id), 'webhook', webhook, 'watchers', string.match(webhook, '^%S+'))
  end
  if (version or 1) ~= 1 then redis.call('HSET', job_key(id), 'version', version) end
  schedule(id, tick)
  redis.call('HSET', recurring_key, kind, string.format('%.0f', tick) .. ' ' .. id .. ' ' .. spec)
end

local function schedule_next(item)
  local kind, tick, spec = unpack(item)
  local recorded, earlier, spec_before = known(kind)
  local spent = recorded -- ticks up to this one have their run
  if spec ~= spec_before and earlier ~= '' and (take_back(earlier) or recorded > now) then spent = 0 end
  if spec == '' then
    redis.call('HDEL', recurring_key, kind)
  else
    -- Also under another schedule a late call must not repeat a tick whose run has begun. Its worker asks again.
    if spent < tick then
      make(item)
      recorded = tick
    end
    if earliest < 0 or recorded < earliest then earliest = recorded end
  end
  return 'ok'
end

for i, answer in ipairs(for_each(items, schedule_next)) do
  if answer ~= 'ok' then faults[#faults + 1] = items[i][1] .. ' ' .. string.sub(answer, 2) end
end

conclude()
return cmsgpack.pack({ now, earliest, faults })
