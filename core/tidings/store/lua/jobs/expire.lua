#!lua flags=allow-oom
-- Ends the jobs of a partition whose deadline has passed, wherever they wait. Any server or worker may run it.
--
-- Atomic, because a job that ends leaves all the places in which it waits, and no worker may take it meanwhile.
--
-- args = { partition, result_ttl_ms, finished_kept, most }
-- Reply: MessagePack array { looked_at, wait_ms, faults }: how many deadlines had passed, and how long until the next;
--   wait_ms is -1 if there is none; faults: as in promote.lua.
-- O(most · log(deadlines)).

local partition, ttl, kept, most = unpack(args)
keep_finished(kept)
local faults = {}

local looked_at, wait = expire_late(partition, ttl, most, faults)
conclude()
return cmsgpack.pack({ looked_at, wait, faults })
