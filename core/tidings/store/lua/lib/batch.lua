-- The items of a batch, each of which succeeds or fails by itself.
--
-- The items of one call belong to many callers. If an item fails, because its record holds what no script wrote there,
-- its reply is a text that begins with `!` (redis/batcher.py), and the other items go on. An error that concerns the
-- whole store (REFUSALS) ends the call.

local REFUSALS = ' NOPERM OOM MISCONF READONLY NOREPLICAS '
local function fault_of(reason)
  local text = type(reason) == 'table' and reason.err or tostring(reason)
  local word = string.match(text, '^%-?(%u+) ')
  if string.find(text, 'ACL failure in script', 1, true) or word and string.find(REFUSALS, ' ' .. word .. ' ', 1, true) then
    error(reason, 0)
  end
  return '!' .. string.gsub(string.sub(text, 1, 300), '[^ -~]', '?')
end

-- The reason of a fault with the job's id before it, for scripts that reply with a list of faults.
local function fault_with(id, reason) return id .. ' ' .. string.sub(fault_of(reason), 2) end

-- Puts the large texts of a call where the items have their numbers: such a text is an argument of its own, so that
-- neither side copies it to pack or to unpack it. argv: the arguments of the call; field: of the items.
local function place_texts(items, field, argv)
  if #argv < 4 then return end
  for _, item in ipairs(items) do
    if type(item[field]) == 'number' then item[field] = argv[3 + item[field]] end
  end
end

local function for_each(items, handle)
  local replies = {}
  for i, item in ipairs(items) do
    local done_well, reply = pcall(handle, item)
    replies[i] = done_well and reply or fault_of(reply)
  end
  return replies
end
