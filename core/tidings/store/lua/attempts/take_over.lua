#!lua flags=allow-oom
-- Takes over entries of a tier and of its lanes whose holder has not renewed their lease.
--
-- Atomic, because a lane has no group until a worker first reads it, and the store refuses a stream without its group;
-- and so that one call looks at them all.
--
-- It also takes what was set apart (lib/waiting/lanes.lua) for a need that no kind of the tier has here any more: after a deploy
-- no other worker may read it.
--
-- args = { worker, tier, idle_ms, most, unread };  unread: the needs for which this worker does not read the tier
-- Reply: MessagePack array of up to `most` { tier, entry, id, envelope }.
--   It stops early where the envelopes are many bytes.
-- O(lanes + entries held in the tier).
--
-- Source: https://redis.io/docs/latest/commands/xautoclaim/

local worker, tier, idle, most, unread = unpack(args)
local CLAIMED_BYTES = 4194304
local claimed, bytes = {}, 0

-- XAUTOCLAIM looks at ten times its COUNT entries at the most: it is asked until there are no more.
local function claim(stream, suffix)
  if #claimed >= most or bytes >= CLAIMED_BYTES or redis.call('EXISTS', stream) == 0 then return end
  local cursor, slice = '0-0', 4
  repeat
    local answer = redis.pcall('XAUTOCLAIM', stream, GROUP, worker, idle, cursor, 'COUNT',
      math.min(slice, most - #claimed))
    if answer.err then return end -- no group yet
    for _, entry in ipairs(answer[2]) do
      if entry and entry[2] then
        claimed[#claimed + 1] = { tier, entry[1] .. suffix, job_in(entry), envelope_of(entry) }
        bytes = bytes + #envelope_of(entry)
      end
    end
    cursor = answer[1]
    slice = bytes < CLAIMED_BYTES / 64 and slice * 2 or 4 -- many small ones need few calls
  until cursor == '0-0' or #claimed >= most or bytes >= CLAIMED_BYTES
end

claim(ready_key(tier), '')
for lane = 0, LANES - 1 do claim(ready_key(tier, lane), '/' .. lane) end
for _, need in ipairs(NEEDS) do claim(ready_key(tier, need), '/' .. need) end
claim(ready_key(tier, OF_LINES), '/' .. OF_LINES)

for _, need in ipairs(unread) do
  local stream, left = ready_key(tier, need), most - #claimed
  local found = left > 0 and redis.call('EXISTS', stream) == 1 and
    redis.pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', left, 'STREAMS', stream, '>')
  for _, entry in ipairs(found and not found.err and found[1][2] or {}) do
    claimed[#claimed + 1] = { tier, entry[1] .. '/' .. need, job_in(entry), envelope_of(entry) }
  end
end

return cmsgpack.pack(claimed)
