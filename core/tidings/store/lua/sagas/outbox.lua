#!lua flags=allow-oom
-- Reads how children have ended whose parents do not know it yet.
--
-- Atomic, because what a child left must be read with its entry.
--
-- args = { max_result_bytes, before_ms, limit }
--   before_ms: only entries at least so old, ms
-- Reply: MessagePack array with for each { entry, parent, id, state, begun, size, result, problem }
--   parent: token and step, with a space between; begun: 1 if an attempt of it ever began (the number of its attempts
--   says less, as an attempt that left to wait, or was handed back, does not count); result: JSON text, '' if there is
--   none or it is larger than `max_result_bytes`; size: of the result; of a record that has left all these are '' and 0.
--   It stops early where the results are many bytes.
-- O(limit).

local max_bytes, before, limit = unpack(args)
local REPLY_BYTES = 4194304
local replies, bytes = {}, 0

for i, entry in ipairs(redis.call('XRANGE', outbox_key, '-', string.format('%.0f', now - before), 'COUNT', limit)) do
  local fields = {}
  for j = 1, #entry[2], 2 do fields[entry[2][j]] = entry[2][j + 1] end
  local record = redis.pcall('HMGET', job_key(fields.id or ''), 'started', 'result', 'problem')
  local started, result, problem = unpack(record.err and {} or record)
  local size = result and #result or 0
  if size > max_bytes then result = '' end
  replies[i] = { entry[1], fields.parent or '', fields.id or '', fields.state or '', started and 1 or 0, size,
    result or '', problem or '' }
  bytes = bytes + #(result or '') + #(problem or '')
  if bytes >= REPLY_BYTES then break end
end

return cmsgpack.pack(replies)
