#!lua flags=allow-oom
-- Says that a worker lives; one that has not said so for long is forgotten. On the registry's partition.
--
-- Atomic, because a worker in the set has its record, and both run out by the same clock. Small and
-- bounded, so that a full store takes it too: a worker that empties the store must not seem dead.
--
-- args = { worker, record, ttl_ms };  record: its JSON.  Reply: MessagePack number of workers that live.
-- O(log(workers) + those forgotten).

local worker, record, ttl = unpack(args)

redis.call('SET', worker_key(worker), record, 'PX', ttl)
redis.call('ZADD', workers_key, now, worker)
redis.call('ZREMRANGEBYSCORE', workers_key, 0, now - ttl)

return cmsgpack.pack(redis.call('ZCARD', workers_key))
