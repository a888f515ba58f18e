#!lua flags=allow-oom
-- Gives a worker deliveries that are due, each under a lease.
--
-- Atomic, because a delivery must be with one worker at a time, and because the limit of a place counts over all workers.
-- A delivery whose worker did not report within its lease is due again: that worker may have died after it had sent it,
-- so a receiver may get it twice, under the same id.
--
-- args = { lease_ms, most, per_place, max_bytes }
--   most: deliveries that are wanted; per_place: that may be under way to one place; max_bytes: of a result that is read
--   from the job's record, as it was too large for an event.
-- Reply: MessagePack array { now_ms, wait_ms, deliveries }: wait_ms: until there is something to take, -1: nothing is known;
--   delivery = { name, fence, tries, place, url, format, id, created_ms, event, seq, tail, kind, correlation_id, tags, owner,
--     traceparent, field, value, size, left_out }
--   tail: of the event's frame, '' if it was too large; then field is 'result' or 'problem', value its JSON text, '' where
--   the record has left, or its `size` is larger than max_bytes; left_out: events of the job that got no delivery.
-- O(most + places that are due).

local lease, most, per_place, max_bytes = unpack(args)
local REPLY_BYTES = 4194304
local PLACES = 64
local found, bytes = {}, 0

local function forget(place, name)
  redis.call('ZREM', webhook_key('due', place), name)
  redis.call('ZREM', webhook_key('pending'), name)
end

-- What a job ended with, of which the event's frame was too large.
local function read_end(id, event)
  local field = event == SUCCEEDED and 'result' or event == FAILED and 'problem' or ''
  if field == '' then return field, '', 0 end
  local size = redis.call('HSTRLEN', job_key(id), field)
  return field, size <= max_bytes and redis.call('HGET', job_key(id), field) or '', size
end

local function take(place, name)
  local id, field = delivery_of(name)
  local stands = standing(name)
  local row = id and webhook_key('of', id)
  local what, job, left_out = unpack(row and redis.call('HMGET', row, field, 'job', 'left_out') or {})
  if not stands or not what or not job then return forget(place, name) end
  what, job = cmsgpack.unpack(what), cmsgpack.unpack(job)
  local fence = stands[3] + 1
  local name_of_value, value, size = '', '', 0
  if what[8] == '' then name_of_value, value, size = read_end(id, what[6]) end
  redis.call('HSET', row, field .. ':s', cmsgpack.pack({ 'sending', stands[2], fence, now }))
  redis.call('ZREM', webhook_key('due', place), name)
  redis.call('ZADD', webhook_key('held', place), now + lease, name)
  bytes = bytes + #what[8] + #value + 500
  found[#found + 1] = { name, fence, stands[2], place, what[2], what[3], what[4], what[5], what[6], what[7], what[8], job[1],
    job[2], job[3], job[4], job[6], name_of_value, value, size, count_in(left_out) }
end

-- Puts deliveries whose lease has run out back among those that are due.
local function take_over(place)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', webhook_key('held', place), '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', webhook_key('held', place), name)
    redis.call('ZADD', webhook_key('due', place), now, name)
  end
end

local function serve(place)
  take_over(place)
  local rest = tonumber(redis.call('HGET', webhook_key('rests'), place) or 0)
  local room = math.min(per_place - redis.call('ZCARD', webhook_key('held', place)), most - #found)
  if rest > 0 and rest <= now then redis.call('HDEL', webhook_key('rests'), place) end
  if room > 0 and rest >= 0 and rest <= now then
    for _, name in ipairs(redis.call('ZRANGEBYSCORE', webhook_key('due', place), '-inf', now, 'LIMIT', 0, room)) do
      if bytes >= REPLY_BYTES then break end
      if not pcall(take, place, name) then forget(place, name) end
    end
  end
  rank_place(place, per_place)
end

for _, place in ipairs(redis.call('ZRANGEBYSCORE', webhook_key('places'), '-inf', moment(), 'LIMIT', 0, PLACES)) do
  if #found >= most or bytes >= REPLY_BYTES then break end
  serve(place)
end

local first = redis.call('ZRANGE', webhook_key('places'), 0, 0, 'WITHSCORES')[2]
return cmsgpack.pack({ now, first and math.max(math.ceil(first - now), 0) or -1, found })
