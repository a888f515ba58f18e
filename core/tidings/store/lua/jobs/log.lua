#!lua flags=allow-oom
-- Reads a page of a job's log.
--
-- Atomic, because the log's beginning must be of the same moment as what is read of it.
--
-- args = { id, after, most }
--   after: the last number that is not wanted; most: bytes of a page, about.
-- Reply: MessagePack array { log_from, { { seq, at_ms, chunk } … }, more }
--   log_from: as in watch.lua; more: 1 if there are chunks after these.
-- O(chunks).

local id, after, most = unpack(args)

local chunks, more = read_log(id, after, most)
return cmsgpack.pack({ count_in(load_job(id, { 'log_from' }).log_from), chunks, more and 1 or 0 })
