#!lua flags=allow-oom
-- Writes how tries of deliveries ended.
--
-- Atomic, because a delivery leaves the row of those that are under way, and goes where it belongs, at once.
--
-- args = { per_place, ttl_ms, max_dead, items };  item = { name, fence, outcome, delay_ms, try, rest_ms }
--   outcome: 'delivered'; 'again' (another try after delay_ms); 'dead' (it is given up); 'back' (it was not tried: it is due
--     again after delay_ms);
--   try: JSON text of the try; rest_ms: how long the place rests, as its breaker is open; 0: it does not;
--   ttl_ms: how long deliveries of a job are kept once all are over; max_dead: dead ones that are kept.
-- Reply: MessagePack array with for each item 'ok', or 'lost' (another worker has the delivery; nothing is written).
-- O(items).

local per_place, ttl, max_dead, items = unpack(args)
local MOST_TRIES = 30
local SHOWN_DONE = 1000
-- How long the deliveries of a job are kept if one of them is dead: 30 days.
local DEAD_TTL = 2592000000
local places_seen = {}

local function add_try(row, field, text)
  local lines = redis.call('HGET', row, field .. ':t')
  lines = lines and lines .. '\n' .. text or text
  local _, count = string.gsub(lines, '\n', '')
  if count >= MOST_TRIES then lines = string.sub(lines, string.find(lines, '\n', 1, true) + 1) end
  redis.call('HSET', row, field .. ':t', lines)
end

-- A delivery is over: delivered, or dead.
local function settle_delivery(row, name, is_dead)
  local job = redis.call('HGET', row, 'job')
  local caller = job and cmsgpack.unpack(job)[5] or ''
  redis.call('ZREM', webhook_key('pending'), name)
  if add_to(webhook_key('callers'), caller, -1) <= 0 then redis.call('HDEL', webhook_key('callers'), caller) end
  local list = webhook_key(is_dead and 'dead' or 'done')
  redis.call('ZADD', list, now, name)
  redis.call('ZREMRANGEBYRANK', list, 0, -(is_dead and max_dead or SHOWN_DONE) - 1)
  if is_dead then redis.call('HSET', row, 'dead', 1) end
  if redis.call('HINCRBY', row, 'open', -1) <= 0 then
    redis.call('PEXPIRE', row, redis.call('HEXISTS', row, 'dead') == 1 and math.max(ttl, DEAD_TTL) or ttl)
  end
end

local function write(item)
  local name, fence, outcome, delay, try, rest = unpack(item)
  local stands = standing(name)
  local id, field = delivery_of(name)
  if not stands or stands[1] ~= 'sending' or stands[3] ~= fence then return 'lost' end
  local row = webhook_key('of', id)
  local place = cmsgpack.unpack(redis.call('HGET', row, field))[1]
  local held = redis.call('ZREM', webhook_key('held', place), name)
  if held == 0 then redis.call('ZREM', webhook_key('due', place), name) end -- its lease has run out, and no worker has it yet
  places_seen[place] = true
  local tries = stands[2] + (outcome == 'back' and 0 or 1)
  if try ~= '' then add_try(row, field, try) end
  local state = outcome == 'delivered' and 'delivered' or outcome == 'dead' and 'dead' or 'waiting'
  redis.call('HSET', row, field .. ':s', cmsgpack.pack({ state, tries, fence, state == 'waiting' and now + delay or now }))
  if state == 'waiting' then
    redis.call('ZADD', webhook_key('due', place), now + delay, name)
  else
    settle_delivery(row, name, state == 'dead')
  end
  if rest > 0 and redis.call('HGET', webhook_key('rests'), place) ~= '-1' then
    redis.call('HSET', webhook_key('rests'), place, now + rest)
  elseif outcome == 'delivered' and redis.call('HGET', webhook_key('rests'), place) ~= '-1' then
    redis.call('HDEL', webhook_key('rests'), place)
  end
  return 'ok'
end

local replies = for_each(items, write)
for place in pairs(places_seen) do rank_place(place, per_place) end
return cmsgpack.pack(replies)
