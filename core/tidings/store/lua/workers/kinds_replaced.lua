-- Reads which kinds have replaced a record, the newest change first: the record before, and the one that stands. On the
-- registry's partition. Within bounds: what lies there is not trusted to be small.
--
-- Atomic, because a kind that is registered meanwhile would have its record before beside one of another moment. Forgets
-- what a process of an earlier release left of kinds that it removed.
--
-- args = { most, record_bytes, all_bytes }
-- Reply: array { kinds, name, ms, record before, record, name, ms, … }; not MessagePack, as a name need not be text.
--   kinds: how many have replaced a record; ms: when, since the epoch;
--   a record: '' where it is larger than `record_bytes`, or the records before it have used up `all_bytes`.
-- O(most · log(kinds)).

local before_key = root .. 'kinds-before'
local replaced_key = root .. 'kinds-replaced'
local most, record_bytes, all_bytes = unpack(args)

local total = 0
local function read(key, name)
  local bytes = redis.call('HSTRLEN', key, name)
  if bytes > record_bytes or total + bytes > all_bytes then return '' end
  total = total + bytes
  return redis.call('HGET', key, name) or ''
end

local listed = redis.call('ZRANGE', replaced_key, 0, most - 1, 'REV', 'WITHSCORES')
local found = { 0 }
for at = 1, #listed, 2 do
  local name = listed[at]
  if redis.call('HEXISTS', kinds_key, name) == 0 or redis.call('HEXISTS', before_key, name) == 0 then
    redis.call('HDEL', before_key, name)
    redis.call('ZREM', replaced_key, name)
  else
    found[#found + 1] = name
    found[#found + 1] = tonumber(listed[at + 1])
    found[#found + 1] = read(before_key, name)
    found[#found + 1] = read(kinds_key, name)
  end
end
found[1] = redis.call('ZCARD', replaced_key)
return found
