#!lua flags=allow-oom
-- Reads what workers have registered of their kinds, within bounds: what lies there is not trusted to be small.
--
-- Atomic, because a kind that is registered meanwhile would be counted and not read.
--
-- args = { most, record_bytes, all_bytes }
-- Reply: array { name, bytes, record, name, bytes, record, …, { queue, placement, queue, placement, … } }; not
--   MessagePack, as a name need not be text.
--   record: '' where it is larger than `record_bytes`, or the records before it have used up `all_bytes`.
-- O(kinds), at most `most`.

local most, record_bytes, all_bytes = unpack(args)
local names
if redis.call('HLEN', kinds_key) > most then
  names = redis.call('HRANDFIELD', kinds_key, most)
else
  names = redis.call('HKEYS', kinds_key)
end

local found = {}
local total = 0
for _, name in ipairs(names) do
  local bytes = redis.call('HSTRLEN', kinds_key, name)
  local record = ''
  if bytes <= record_bytes and total + bytes <= all_bytes then
    total = total + bytes
    record = redis.call('HGET', kinds_key, name)
  end
  found[#found + 1] = name
  found[#found + 1] = bytes
  found[#found + 1] = record
end
found[#found + 1] = redis.call('HGETALL', placements_key)
return found
