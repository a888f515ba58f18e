#!lua flags=allow-oom
-- Notes that a worker lives, and forgets workers that have not said so for long; and says whether the worker is among
-- those that do the upkeep of its partitions at full pace (placement/upkeep_choice.py). On the registry's partition.
--
-- Atomic, because a worker in the set has its record, and both run out by the same clock. Small and bounded, so that a
-- full store takes it too: a worker that empties the store must not seem dead.
--
-- Publishes the name of a worker that is new on the channel `workers-changed`.
--
-- args = { worker, record, ttl_ms, places };  record: its JSON;
--   places: { place, rank, place, rank … } of what it could keep up; those with the least ranks do.
-- Reply: array { workers that live, { queue, placement, queue, placement, … }, { 1 or 0 for each place: on duty or not } };
--   not MessagePack, as a name that lies there need not be text. With the heartbeat a worker learns over how many partitions
--   a queue is spread.
-- O(log(workers) + those forgotten + places).

local worker, record, ttl, places = unpack(args)

-- Of each place the workers with the least ranks are kept, some more than are on duty: one of them may have died. As
-- long as they live, the heartbeats of all others write nothing there.
local ON_DUTY, KEPT = 3, 6
local alive = { [worker] = true }

local function lives(name)
  if alive[name] == nil then alive[name] = redis.call('EXISTS', worker_key(name)) == 1 end
  return alive[name]
end

local function is_on_duty(place, rank)
  local key, before, kept, known = upkeep_key(place), 0, 0, false
  local found = redis.call('ZRANGE', key, 0, KEPT - 1, 'WITHSCORES')
  for i = 1, #found, 2 do
    local name, its_rank = found[i], tonumber(found[i + 1])
    if name == worker then
      known = true
    elseif lives(name) then
      kept = kept + 1
      if its_rank < rank or (its_rank == rank and name < worker) then before = before + 1 end
    else
      redis.call('ZREM', key, name)
    end
  end
  if not known and before < KEPT then
    redis.call('ZADD', key, rank, worker)
    if kept >= KEPT then redis.call('ZREMRANGEBYRANK', key, KEPT, -1) end
  end
  if before == 0 and redis.call('PTTL', key) < 5 * ttl then redis.call('PEXPIRE', key, 10 * ttl) end
  return before < ON_DUTY
end

redis.call('SET', worker_key(worker), record, 'PX', ttl)
local new = redis.call('ZADD', workers_key, now, worker)
redis.call('ZREMRANGEBYSCORE', workers_key, 0, now - ttl)
if new == 1 then redis.call('PUBLISH', channels .. 'workers-changed', worker) end

local duties = {}
for i = 1, #places, 2 do duties[#duties + 1] = is_on_duty(places[i], places[i + 1]) and 1 or 0 end

return { redis.call('ZCARD', workers_key), redis.call('HGETALL', placements_key), duties }
