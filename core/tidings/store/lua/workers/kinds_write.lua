-- Writes the records of kinds that a worker registers, and keeps of each the record that it replaces, and when. On the
-- registry's partition.
--
-- Atomic, because of two workers that register one kind at the same moment, the second one replaces the record of the
-- first, and not the one that both have read. A full store refuses it, as it refuses all that needs room.
--
-- args = { record_bytes, name, record, name, record, … };  record: its JSON; a record that is larger than
--   `record_bytes` is not kept when another replaces it.
-- Reply: MessagePack number of records that replaced another one.
-- O(kinds · log(kinds)).

local before_key = root .. 'kinds-before'
local replaced_key = root .. 'kinds-replaced'
local record_bytes = args[1]

local replaced = 0
for at = 2, #args, 2 do
  local name, record = args[at], args[at + 1]
  local before = redis.call('HGET', kinds_key, name)
  if before ~= record then
    redis.call('HSET', kinds_key, name, record)
    if before and #before <= record_bytes then
      redis.call('HSET', before_key, name, before)
      redis.call('ZADD', replaced_key, now, name)
      replaced = replaced + 1
    else
      redis.call('HDEL', before_key, name)
      redis.call('ZREM', replaced_key, name)
    end
  end
end

return cmsgpack.pack(replaced)
