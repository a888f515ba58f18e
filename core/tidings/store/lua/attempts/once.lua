#!lua flags=allow-oom
-- Recalls a batch of memoised steps, or records their results for all later attempts.
--
-- Atomic, because only the holder of the fence may record, and the first record of a step stands.
--
-- args = { items };  item = { id, fence, name, value };  value: JSON text to record, or '' to recall
-- Reply: MessagePack array with for each item { answer, value }
--   answer: 'ok' (value is what stands recorded, '' if nothing is), 'lost' (another attempt has the job).
-- O(items).

local items = unpack(args)

local FIELDS = { 'state', 'fence' }

local function recall(item)
  local id, fence, name, value = unpack(item)
  local key = job_key(id)
  local state, held = unpack(read_fields(id, FIELDS))
  if state ~= RUNNING or tonumber(held) ~= fence then return { 'lost', '' } end
  if value ~= '' then redis.call('HSETNX', key, 'once:' .. name, value) end
  return { 'ok', redis.call('HGET', key, 'once:' .. name) or '' }
end

return cmsgpack.pack(for_each(items, recall))
