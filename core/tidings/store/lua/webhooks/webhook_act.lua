#!lua flags=allow-oom
-- Does what operators ask of deliveries: try some again, drop some, pause a place or resume it.
--
-- Atomic, because a delivery that is replayed twice at the same time must lie in one row once.
--
-- args = { act, per_place, names }
--   act: 'replay': deliveries that are over, or wait for their next try, are due now; 'drop': those that wait, or are dead,
--     are over; 'pause', 'resume': the names are places.
-- Reply: MessagePack array with for each name 'ok', 'gone' (there is no such delivery), 'busy' (a worker is sending it) or
--   'same' (it was so already). O(names).

local act, per_place, names = unpack(args)
local places_seen = {}

-- `open` and the caller's count are of deliveries that are not over.
local function count_open(row, change)
  local job = redis.call('HGET', row, 'job')
  local caller = job and cmsgpack.unpack(job)[5] or ''
  if add_to(webhook_key('callers'), caller, change) <= 0 then redis.call('HDEL', webhook_key('callers'), caller) end
  redis.call('HINCRBY', row, 'open', change)
end

local function replay_delivery(row, name, place, stands)
  if stands[1] ~= 'waiting' then
    count_open(row, 1)
    redis.call('PERSIST', row)
  end
  redis.call('ZREM', webhook_key('dead'), name)
  redis.call('ZREM', webhook_key('done'), name)
  redis.call('ZADD', webhook_key('pending'), 'NX', now, name)
  redis.call('ZADD', webhook_key('due', place), now, name)
  return 'waiting'
end

local function drop_delivery(row, name, place, stands)
  if stands[1] == 'waiting' then
    count_open(row, -1)
    redis.call('ZREM', webhook_key('due', place), name)
    redis.call('ZREM', webhook_key('pending'), name)
    if count_in(redis.call('HGET', row, 'open')) <= 0 then redis.call('PEXPIRE', row, 86400000) end
  end
  redis.call('ZREM', webhook_key('dead'), name)
  return 'dropped'
end

local function act_on_delivery(name)
  local stands = standing(name)
  if not stands then
    redis.call('ZREM', webhook_key('dead'), name)
    return 'gone'
  end
  local id, field = delivery_of(name)
  local row = webhook_key('of', id)
  local place = cmsgpack.unpack(redis.call('HGET', row, field))[1]
  if stands[1] == 'sending' then return 'busy' end
  if act == 'drop' and stands[1] ~= 'waiting' and stands[1] ~= 'dead' then return 'same' end
  local state = act == 'replay' and replay_delivery(row, name, place, stands) or drop_delivery(row, name, place, stands)
  redis.call('HSET', row, field .. ':s', cmsgpack.pack({ state, act == 'replay' and 0 or stands[2], stands[3], now }))
  places_seen[place] = true
  return 'ok'
end

local function act_on_place(place)
  local is_paused = redis.call('HGET', webhook_key('rests'), place) == '-1'
  if is_paused == (act == 'pause') then return 'same' end
  if act == 'pause' then
    redis.call('HSET', webhook_key('rests'), place, -1)
  else
    redis.call('HDEL', webhook_key('rests'), place)
  end
  places_seen[place] = true
  return 'ok'
end

local replies = for_each(names, (act == 'pause' or act == 'resume') and act_on_place or act_on_delivery)
for place in pairs(places_seen) do rank_place(place, per_place) end
redis.call('PUBLISH', channels .. 'webhooks', '')
return cmsgpack.pack(replies)
