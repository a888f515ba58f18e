#!lua flags=allow-oom
-- Counts the jobs of a queue: in some of its tiers the jobs that wait for a worker, and since when, and the jobs that a
-- worker holds; of the whole queue the scheduled jobs, and the dead letters.
--
-- Atomic, because a job that a worker takes meanwhile would be counted twice or not at all.
--
-- args = { tiers };  Reply: MessagePack array { now_ms, scheduled, dead, tiers }
--   tiers: for each of those asked for { waiting, running, since_ms }, in their order;
--     since_ms: when the job that waits longest was queued, 0 if none waits. Jobs that stepped aside (lib/waiting/limits.lua)
--     count as waiting, but what they wait for is no worker: since_ms does not look at them.
-- O(tiers · lanes).

local tiers = unpack(args)
local counted = {}

-- Returns when the oldest entry was queued that no worker holds. A group holds all that the store gave to a worker, or
-- it is gone from the stream: the first entry after `after` is the oldest. Turns stand among the entries, one for a lane
-- at the most. It reads one at a time, as an entry may be large.
local function oldest(stream, after)
  for _ = 0, LANES do
    local entry = redis.call('XRANGE', stream, '(' .. after, '+', 'COUNT', 1)[1]
    if not entry then return nil end
    if string.sub(job_in(entry), 1, 1) ~= '/' then return tonumber(string.match(entry[1], '^%d+')) end
    after = entry[1]
  end
  return nil
end

for i, tier in ipairs(tiers) do
  local direct, laned = count_waiting(tier)
  local aside = count_in(redis.call('HGET', flow_key(tier), 'aside'))
  local running, since = 0, nil
  for _, stream in ipairs(streams_of(tier)) do
    local free, held, given = unheld(stream)
    local first = free > 0 and oldest(stream, given)
    if first and (not since or first < since) then since = first end
    running = running + held
  end
  counted[i] = { direct + laned + math.max(aside, 0), running, since or 0 }
end

return cmsgpack.pack({ now, redis.call('ZCARD', scheduled_key), redis.call('XLEN', dead_key), counted })
