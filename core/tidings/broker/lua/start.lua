#!lua flags=allow-oom
-- Starts an attempt for each of a batch of entries that a worker holds.
--
-- Atomic, because the fence, the attempt and the state must move together: from here on only the
-- holder of the new fence can write to the job. An entry whose job must not run (cancelled, gone,
-- already finished, past its deadline) is acknowledged here and leaves the stream.
--
-- args = { partition, worker, result_ttl_ms, items };  item = { tier, entry, id }
-- Reply: MessagePack array with for each item { go, fence, attempt, remaining_ms, submitted_ms, lost }
--   go: 1 run it, 0 do not; remaining_ms: until the deadline, 0 if there is none;
--   lost: 1 if an earlier attempt's worker was lost.
-- O(items).

local partition, worker, ttl, items = unpack(args)
local replies = {}

local function end_unstarted(id, tier, entry, seq, watchers, state)
  redis.call('HSET', job_key(id), 'seq', seq)
  finish(id, state, '', '', ttl)
  acknowledge(tier, entry)
  tell(watchers, partition, id, seq, FINAL, bare_tail(state))
end

for i, item in ipairs(items) do
  local tier, entry, id = unpack(item)
  local key = job_key(id)
  local state, held, fence, attempt, seq, watchers, deadline, submitted, cancel =
    unpack(redis.call('HMGET', key, 'state', 'entry', 'fence', 'attempt', 'seq', 'watchers', 'deadline',
      'submitted', 'cancel'))
  replies[i] = { 0, 0, 0, 0, 0, 0 }
  if not state or held ~= entry or (state ~= 'queued' and state ~= 'running') then
    acknowledge(tier, entry)
  elseif cancel then -- its worker was lost before it could obey
    end_unstarted(id, tier, entry, seq + 1, watchers, 'cancelled')
  elseif deadline and tonumber(deadline) <= now then
    end_unstarted(id, tier, entry, seq + 1, watchers, 'expired')
  else
    if state == 'running' then remember(id, 'lost', '') end
    fence, attempt, seq = fence + 1, attempt + 1, seq + 1
    redis.call('HSET', key, 'state', 'running', 'fence', fence, 'attempt', attempt, 'seq', seq,
      'worker', worker, 'dequeued', now, 'started', now, 'reported', 0)
    tell(watchers, partition, id, seq, CHANGE,
      '"event":"started","status":"running","data":{"attempt":' .. attempt .. '}}')
    local remaining = deadline and (deadline - now) or 0
    replies[i] = { 1, fence, attempt, remaining, tonumber(submitted), state == 'running' and 1 or 0 }
  end
end

publish_all()
return cmsgpack.pack(replies)
