#!lua flags=allow-oom
-- Counts the jobs of some tiers: those that wait for a worker, and those that one holds.
--
-- Atomic, because a job that is taken meanwhile would be counted twice or not at all.
--
-- args = { tiers };  Reply: MessagePack array with for each tier { waiting, running }.
-- O(tiers · lanes).

local tiers = unpack(args)
local replies = {}

for i, tier in ipairs(tiers) do
  local direct, laned = count_waiting(tier)
  local aside = tonumber(redis.call('HGET', flow_key(tier), 'aside') or 0)
  local running = 0
  for _, stream in ipairs(streams_of(tier)) do
    local _, held = unheld(stream)
    running = running + held
  end
  replies[i] = { direct + laned + math.max(aside, 0), running }
end

return cmsgpack.pack(replies)
