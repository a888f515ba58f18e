#!lua flags=allow-oom
-- Notes that a worker lives, and forgets workers that have not said so for long. On the registry's partition.
--
-- Atomic, because a worker in the set has its record, and both run out by the same clock. Small and bounded, so that a
-- full store takes it too: a worker that empties the store must not seem dead.
--
-- Publishes the name of a worker that is new on the channel `workers-changed`.
--
-- args = { worker, record, ttl_ms };  record: its JSON.
-- Reply: array { workers that live, { queue, placement, queue, placement, … } }; not MessagePack, as a name that lies
--   there need not be text. With the heartbeat a worker learns over how many partitions a queue is spread.
-- O(log(workers) + those forgotten).

local worker, record, ttl = unpack(args)

redis.call('SET', worker_key(worker), record, 'PX', ttl)
local new = redis.call('ZADD', workers_key, now, worker)
redis.call('ZREMRANGEBYSCORE', workers_key, 0, now - ttl)
if new == 1 then redis.call('PUBLISH', channels .. 'workers-changed', worker) end

return { redis.call('ZCARD', workers_key), redis.call('HGETALL', placements_key) }
