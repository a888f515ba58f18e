-- The earlier job that has an idempotency key, for the scripts that accept jobs or claim keys for another partition.

local STANDING = { 'state', 'seq' }

-- `~`: the byte with which a claim begins. No job's id has it, with which everything else begins that lies there.
local CLAIM = 126

-- Returns the reply to a submission whose key is known in this partition; nil: it is not.
-- epoch: of the placement by which the submission came here; 0: the queue has none. A claim says that a submitter with a
-- newer placement puts the key elsewhere: a submission by an older one must not be accepted any more.
local function earlier(key, fingerprint, epoch)
  local known = redis.call('GET', key)
  if not known then return nil end
  if string.byte(known) == CLAIM then
    if (tonumber(string.match(known, '^~(%d+)$')) or 0) < epoch then return nil end
    return { 'stale', '', '', 0, 0, 0 }
  end
  local split = string.find(known, ' ', 1, true)
  local id = string.sub(known, 1, split - 1)
  local state, seq = unpack(read_fields(id, STANDING))
  if string.sub(known, split + 1) ~= fingerprint then return { 'reused', id, state or 'unknown', 0, 0, 0 } end
  if not state then return { 'duplicate', id, 'unknown', 0, 0, 0 } end -- the key is remembered longer than the result
  return { 'duplicate', id, state, check_record(state, seq), 0, 0 }
end
