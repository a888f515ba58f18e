-- Moves the clock that a test holds, and with it what goes by the clock of the store's process: how long keys live, and
-- how long an entry has been with its consumer.
--
-- Atomic, because no script may see one part moved and another not.
--
-- KEYS = { clock };  ARGV = { seconds, microseconds, by_ms, name … }: the time from now on; by how much it moved; keys and
--   consumers of which nothing comes nearer to its end, because it is renewed all the time.
-- Reply: the names of the consumers that hold entries.
-- O(keys): the store of a test is small.

redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[1], ARGV[1], ARGV[2])
local by = tonumber(ARGV[3])

local renewed = {}
for i = 4, #ARGV do renewed[ARGV[i]] = true end

local function move_end(key)
  local left = redis.call('PTTL', key)
  if left < 0 or renewed[key] then return end
  if left > by then
    redis.call('PEXPIRE', key, left - by)
  else
    redis.call('DEL', key)
  end
end

local holders = {}

local function move_entries(key, group)
  for _, held in ipairs(redis.call('XPENDING', key, group, '-', '+', 1000)) do
    holders[held[2]] = true
    if by > 0 and not renewed[held[2]] then
      redis.call('XCLAIM', key, group, held[2], 0, held[1], 'IDLE', held[3] + by, 'JUSTID')
    end
  end
end

for _, key in ipairs(redis.call('KEYS', '*')) do
  if by > 0 then move_end(key) end
  if redis.call('TYPE', key).ok == 'stream' then
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', key)) do
      if group[6] > 0 then move_entries(key, group[2]) end
    end
  end
end

local names = {}
for name in pairs(holders) do names[#names + 1] = name end
return names
