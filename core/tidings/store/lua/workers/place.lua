-- Replaces the placement of a queue, if it still is what the caller read. On the registry's partition.
--
-- Atomic, because of two that change it at the same moment each must build on what the other wrote.
--
-- args = { queue, before, after, most }
--   before, after: records, JSON text; before: '' where there was none; most: queues that may have one.
-- Reply: MessagePack number: 1, or 0 where the record is another by now, or there are too many.
-- O(1).

local queue, before, after, most = unpack(args)
if (redis.call('HGET', placements_key, queue) or '') ~= before then return cmsgpack.pack(0) end
if before == '' and redis.call('HLEN', placements_key) >= most then return cmsgpack.pack(0) end
redis.call('HSET', placements_key, queue, after)
return cmsgpack.pack(1)
