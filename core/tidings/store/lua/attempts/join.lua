#!lua flags=allow-oom
-- Makes the consumer group on the ready streams of some tiers, where it is missing.
--
-- Atomic, because a stream must not be there without its group, which would not see what was added before. It is a
-- script, because a full store refuses the bare command even where the group exists, so that a worker that comes to
-- empty the store could not begin.
--
-- args = { tiers };  Reply: MessagePack array of the tiers whose group is new.
-- O(tiers).

local fresh = {}

for _, tier in ipairs(args[1]) do
  local answer = redis.pcall('XGROUP', 'CREATE', ready_key(tier), GROUP, '0', 'MKSTREAM')
  if not answer.err then
    fresh[#fresh + 1] = tier
  elseif not string.find(answer.err, 'BUSYGROUP', 1, true) then
    return answer
  end
end

return cmsgpack.pack(fresh)
