#!lua flags=allow-oom
-- Brings forward jobs that wait in the schedule for a breaker that has closed. Any worker may run it.
--
-- Atomic, because what is taken from the row must stand earlier in the schedule when this returns, and because two
-- workers that release at the same time must not bring forward the same jobs.
--
-- They are not all due at once, because a service that has just come back must not get the whole load: 16 jobs are due
-- in the first second, and in each second twice as many as in the one before.
--
-- args = { breaker, epoch, limit }
--   epoch: that of the breaker: under another the count of those that were let in begins again.
-- Reply: MessagePack number of jobs taken from the row; fewer than `limit`: there are no more.
-- O(limit · log(schedule)).

local breaker, epoch, limit = unpack(args)
local RAMP_MS, RAMP_JOBS = 1000, 16

local row = redis.call('ZPOPMIN', held_key(breaker), limit)
local ids, places = {}, {}
for i = 1, #row, 2 do
  ids[#ids + 1] = row[i]
  places[row[i]] = row[i + 1]
end
if #ids == 0 then return cmsgpack.pack(0) end

-- A job that stands elsewhere in the schedule than where its breaker put it waits for something else by now.
local due = redis.call('ZMSCORE', scheduled_key, unpack(ids))
local known = redis.call('HGET', released_key, breaker)
local counted, count = string.match(known or '', '^(%d+) (%d+)$')
count = tonumber(counted) == epoch and tonumber(count) or 0
local earliest
local places_now = {}
for i, id in ipairs(ids) do
  if due[i] and tonumber(due[i]) == tonumber(places[id]) then
    local at_ms = now + math.floor(RAMP_MS * math.log(1 + count / RAMP_JOBS) / math.log(2))
    count = count + 1
    if at_ms < tonumber(due[i]) then
      earliest = earliest or at_ms
      places_now[#places_now + 1] = at_ms
      places_now[#places_now + 1] = id
    end
  end
end

if earliest then
  note_due(earliest)
  redis.call('ZADD', scheduled_key, unpack(places_now))
  publish_soonest()
end
redis.call('HSET', released_key, breaker, epoch .. ' ' .. count)
redis.call('PEXPIRE', released_key, 3600000)
return cmsgpack.pack(#ids)
