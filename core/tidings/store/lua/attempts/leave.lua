#!lua flags=allow-oom
-- Takes a worker out of the consumer groups of some tiers.
--
-- Atomic, because deleting a consumer deletes what it holds. So only a consumer that holds nothing goes; the entries of
-- another are made idle for long, so that the next worker that looks takes them over.
--
-- args = { worker, tiers };  Reply: MessagePack array with for each tier how many entries were left.
-- O(tiers · lanes + entries held).

local worker, tiers = unpack(args)
local replies = {}

local function leave(stream)
  local held = redis.pcall('XPENDING', stream, GROUP, '-', '+', 1000, worker)
  if held.err then return 0 end -- a lane of which no worker has taken anything yet has no group
  if #held == 0 then
    redis.call('XGROUP', 'DELCONSUMER', stream, GROUP, worker)
  end
  for _, entry in ipairs(held) do
    redis.call('XCLAIM', stream, GROUP, worker, 0, entry[1], 'IDLE', 86400000, 'JUSTID')
  end
  return #held
end

for i, tier in ipairs(tiers) do
  replies[i] = 0
  for _, stream in ipairs(streams_of(tier)) do replies[i] = replies[i] + leave(stream) end
end

return cmsgpack.pack(replies)
