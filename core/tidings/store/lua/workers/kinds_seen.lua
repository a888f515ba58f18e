#!lua flags=allow-oom
-- Notes when workers last served some kinds. On the registry's partition.
--
-- Atomic, because all of a worker's kinds are of one moment. Small, so that a full store takes it too: a worker that
-- comes to empty the store must not fail for it.
--
-- args = { kind … }.  Reply: MessagePack number of kinds.  O(kinds · log(kinds)).

local seen_key = root .. 'kinds-seen'

for _, name in ipairs(args) do redis.call('ZADD', seen_key, now, name) end

return cmsgpack.pack(#args)
