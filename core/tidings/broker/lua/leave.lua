#!lua flags=allow-oom
-- Takes a worker out of the consumer group of some tiers.
--
-- Atomic, because deleting a consumer deletes what it holds: so only one that holds nothing goes, and
-- of another the entries are made idle for long, so that the next worker to look takes them over.
--
-- args = { worker, tiers };  Reply: MessagePack array with for each tier how many entries were left.
-- O(entries held).

local worker, tiers = unpack(args)
local replies = {}

for i, tier in ipairs(tiers) do
  local stream = ready_key(tier)
  local held = redis.call('XPENDING', stream, GROUP, '-', '+', 1000, worker)
  if #held == 0 then
    redis.call('XGROUP', 'DELCONSUMER', stream, GROUP, worker)
  end
  for _, entry in ipairs(held) do
    redis.call('XCLAIM', stream, GROUP, worker, 0, entry[1], 'IDLE', 86400000, 'JUSTID')
  end
  replies[i] = #held
end

return cmsgpack.pack(replies)
