#!lua flags=allow-oom
-- Has one group stop, or go on; or forgets the group. Events are written meanwhile, and wait.
--
-- Atomic, because a group must not come into being again by being paused.
--
-- args = { group, act };  act: 'pause', 'resume' or 'forget' (nothing is written for it any more, and its dead letters go)
-- Reply: MessagePack text 'ok', 'same' (it was so already) or 'gone' (there is no such group).  O(1).

local group, act = unpack(args)
local key = group_key(group)

local answer = 'ok'
if redis.call('EXISTS', key) == 0 then
  answer = 'gone'
elseif act == 'pause' then
  if redis.call('HSETNX', key, 'paused', now) == 0 then answer = 'same' end
elseif act == 'resume' then
  if redis.call('HDEL', key, 'paused') == 0 then answer = 'same' end
else
  redis.call('HDEL', groups_key, ':' .. group)
  redis.call('HDEL', event_counts_key, ':' .. group)
  if redis.call('HLEN', groups_key) == 1 then redis.call('DEL', groups_key) end -- only the limits of the stream are left
  redis.call('UNLINK', key, group_jobs_key(group), group_due_key(group), group_dead_key(group))
end
return cmsgpack.pack(answer)
