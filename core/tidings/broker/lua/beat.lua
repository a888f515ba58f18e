#!lua flags=allow-oom
-- One heartbeat of a worker for all the jobs it runs: their leases begin anew.
--
-- Atomic, because only the holder of the fence may renew: a claim by one that was taken for dead
-- would steal the entry back.
--
-- args = { worker, items };  item = { id, fence, tier, entry }
-- Reply: MessagePack array with for each item 'ok', 'cancel' (someone asked that it stop) or 'lost'.
-- O(items).

local worker, items = unpack(args)
local replies, held = {}, {}

for i, item in ipairs(items) do
  local id, fence, tier, entry = unpack(item)
  local state, current, cancel = unpack(redis.call('HMGET', job_key(id), 'state', 'fence', 'cancel'))
  if state == 'running' and tonumber(current) == fence then
    local stream, place_in_it = place(tier, entry)
    held[stream] = held[stream] or {}
    table.insert(held[stream], place_in_it)
    replies[i] = cancel and 'cancel' or 'ok'
  else
    replies[i] = 'lost'
  end
end

-- JUSTID: idle time is reset, deliveries are not counted. 500 at a time: Lua's unpack is bounded.
for stream, entries in pairs(held) do
  for first = 1, #entries, 500 do
    local some = { unpack(entries, first, math.min(first + 499, #entries)) }
    some[#some + 1] = 'JUSTID'
    redis.call('XCLAIM', stream, GROUP, worker, 0, unpack(some))
  end
end

return cmsgpack.pack(replies)
