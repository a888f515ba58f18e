#!lua flags=allow-oom
-- Starts an attempt for each of a batch of entries that a worker holds.
--
-- Atomic, because the fence, the attempt and the state must move together: from here on only the
-- holder of the new fence can write to the job. An entry whose job must not run (cancelled, gone,
-- already finished, past its deadline) is acknowledged here and leaves the stream.
--
-- args = { partition, worker, result_ttl_ms, call, items };  item = { tier, entry, id }
--   call: names this call; one that is repeated, because its reply was lost, starts nothing anew.
-- Reply: MessagePack array with for each item { go, fence, attempt, remaining_ms, submitted_ms, lost }
--   go: 1 run it, 0 do not; remaining_ms: until the deadline, 0 if there is none,
--   -1 of a saga that unwinds, for which none counts;
--   lost: how many workers were lost while they ran this job.
-- O(items).

local partition, worker, ttl, call, items = unpack(args)
local replies = {}
local begun = {}

-- The rate at which a tier drains, jobs a second: a moving average over about ten seconds, measured while
-- there is a backlog (submit.lua begins anew when there is none).
local function measure(tier, count)
  local key = flow_key(tier)
  local since, counted, rate = unpack(redis.call('HMGET', key, 'since', 'count', 'rate'))
  since, counted = tonumber(since or now), tonumber(counted or 0) + count
  local elapsed = now - since
  if elapsed < 1000 then
    redis.call('HSET', key, 'since', since, 'count', counted)
    return
  end
  local current = counted * 1000 / elapsed
  rate = rate and rate + (current - rate) * (1 - math.exp(-elapsed / 10000)) or current
  redis.call('HSET', key, 'since', now, 'count', 0, 'rate', rate)
  redis.call('PEXPIRE', key, 3600000)
end

-- Until a deadline, ms; 0 if there is none, -1 if none counts.
local function remaining(deadline, unwinding)
  if unwinding then return -1 end
  return deadline and math.max(deadline - now, 1) or 0
end

local function end_unstarted(id, tier, entry, seq, watchers, state, ...)
  finish(id, state, { 'seq', seq }, ttl, ...)
  acknowledge(tier, entry)
  tell(watchers, partition, id, seq, FINAL, bare_tail(state))
end

for i, item in ipairs(items) do
  local tier, entry, id = unpack(item)
  local key = job_key(id)
  local state, held, fence, attempt, seq, watchers, deadline, submitted, cancel, lost, begun_by, logged, caller,
    unique, saga, unwinding = unpack(redis.call('HMGET', key, 'state', 'entry', 'fence', 'attempt', 'seq', 'watchers',
      'deadline', 'submitted', 'cancel', 'lost', 'call', 'logged', 'caller', 'unique', 'saga', 'unwinding'))
  replies[i] = { 0, 0, 0, 0, 0, 0 }
  local again = state == 'running' and begun_by == call
  if unwinding then deadline = false end
  -- If it was cancelled, its worker was lost before it could obey.
  local doomed = cancel and 'cancelled' or deadline and tonumber(deadline) <= now and 'expired'
  if not state or held ~= entry or (state ~= 'queued' and state ~= 'running') then
    acknowledge(tier, entry)
  elseif again then
    replies[i] = { 1, tonumber(fence), tonumber(attempt), remaining(deadline, unwinding), tonumber(submitted),
      tonumber(lost or 0) }
  elseif doomed and not turn(id, saga, doomed) then
    end_unstarted(id, tier, entry, seq + 1, watchers, doomed, logged, caller, unique, saga)
  else
    lost = tonumber(lost or 0)
    if state == 'running' then
      remember(id, 'lost', '')
      lost = lost + 1
      redis.call('HSET', key, 'lost', lost)
    end
    fence, attempt, seq = fence + 1, attempt + 1, seq + 1
    redis.call('HSET', key, 'state', 'running', 'fence', fence, 'attempt', attempt, 'seq', seq,
      'worker', worker, 'call', call, 'dequeued', now, 'started', now, 'reported', 0)
    tell(watchers, partition, id, seq, CHANGE,
      '"event":"started","status":"running","data":{"attempt":' .. attempt .. '}}')
    replies[i] = { 1, fence, attempt, remaining(deadline, unwinding or doomed), tonumber(submitted), lost }
    begun[tier] = (begun[tier] or 0) + 1
  end
end

for tier, count in pairs(begun) do measure(tier, count) end
conclude()
return cmsgpack.pack(replies)
