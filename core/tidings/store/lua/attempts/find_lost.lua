#!lua flags=allow-oom
-- Says whether there is anything that take_over.lua would take, such as an entry whose lease has run out, and takes none.
--
-- Atomic, because a lane has no group until a worker first reads it, and the store refuses a stream without its group.
--
-- A worker that is on duty (placement/upkeep_choice.py) and has no room has all workers hear of it: `lost` and the tier.
--
-- args = { tier, idle_ms, unread, announce };  unread: as of take_over.lua, which takes what lies there too;
--   announce: 1: the workers of the partition are to hear of it.
-- Reply: MessagePack number: 1 or 0.
-- O(lanes + entries held in the tier).
--
-- Source: https://redis.io/docs/latest/commands/xpending/

local tier, idle, unread, announce = unpack(args)

local function has_lost(stream)
  if redis.call('EXISTS', stream) == 0 then return false end
  local held = redis.pcall('XPENDING', stream, GROUP, 'IDLE', idle, '-', '+', 1)
  return not held.err and #held > 0 -- no group yet
end

local found = 0
for _, stream in ipairs(streams_of(tier)) do
  if has_lost(stream) then
    found = 1
    break
  end
end
for _, need in ipairs(unread) do
  local stream = ready_key(tier, need)
  if redis.call('EXISTS', stream) == 1 and unheld(stream) > 0 then found = 1 end
end
if found == 1 and announce == 1 then publish_due('lost ' .. tier) end
return cmsgpack.pack(found)
