#!lua flags=allow-oom
-- Counts the deliveries of a partition.
--
-- Atomic, because the counts are of one moment.
--
-- args = {}
-- Reply: MessagePack array { now_ms, pending, oldest_ms, dead, places, paused, overdue_ms }: oldest_ms: when the oldest that is pending
--   was made, 0: there is none; places: those that have something to take; paused: those that operators paused;
--   overdue_ms: how long something has been due, and no worker took it.
-- O(places that rest).

local oldest = redis.call('ZRANGE', webhook_key('pending'), 0, 0, 'WITHSCORES')[2]
local first = redis.call('ZRANGE', webhook_key('places'), 0, 0, 'WITHSCORES')[2]
local paused = 0
for _, rest in ipairs(redis.call('HVALS', webhook_key('rests'))) do
  if rest == '-1' then paused = paused + 1 end
end
return cmsgpack.pack({ now, redis.call('ZCARD', webhook_key('pending')), tonumber(oldest or 0),
  redis.call('ZCARD', webhook_key('dead')), redis.call('ZCARD', webhook_key('places')), paused,
  first and math.max(math.floor(now - first), 0) or 0 })
