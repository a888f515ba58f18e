#!lua flags=allow-oom
-- Says which of some commands the user who calls may not use, with the keys and channels that they name. Runs none of them.
--
-- Atomic, because all are to be judged by the same rules.
--
-- args = { calls };  calls: for each command { name, arguments… }
-- Reply: MessagePack array with the places of those denied, from 1. A command that the store does not have is denied.
-- O(calls). Source: https://redis.io/docs/latest/develop/programmability/lua-api/#redis.acl_check_cmd

local calls = unpack(args)
local denied = {}
for place, call in ipairs(calls) do
  local known, allowed = pcall(redis.acl_check_cmd, unpack(call))
  if not (known and allowed) then denied[#denied + 1] = place end
end
return cmsgpack.pack(denied)
