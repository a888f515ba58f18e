#!lua flags=allow-oom
-- Lists jobs that live, for operators: a page of those in a ready stream, of those in the schedule, or some by id.
--
-- Atomic, because a job that moves meanwhile would stand in a page as it never was; two pages may be of two moments.
--
-- args = { source, tier, lane, after, count }
--   source: 'ready' (of a tier, or of its lane if that is not ''): the newest first, those that run among them;
--     after: '' or the `next` of the page before;
--   source: 'scheduled' (also sagas that wait, and jobs that stepped aside): the first due first;
--     after: how many to leave out;
--   source: 'ids': `after` is an array of them.
-- Reply: MessagePack array { rows, next }: next: '' if there is no more;
--   row = { id, state, kind, tier, attempt, submitted, correlation_id, worker, finished }, '' for what is missing.
-- O(count + after).

local source, tier, lane, after, count = unpack(args)
local READ_BYTES = 4194304 -- what entries hold beside the job's id is read too, and left out
local rows = {}

local function row_of(id)
  local row = redis.pcall('HMGET', job_key(id), 'state', 'kind', 'tier', 'attempt', 'submitted', 'correlation_id',
    'worker', 'finished')
  if row.err or not row[1] then return end
  for i = 1, 8 do row[i] = row[i] or '' end
  table.insert(row, 1, id)
  rows[#rows + 1] = row
end

local function list_ready()
  local from = after == '' and '+' or '(' .. after
  local stream, left, bytes, slice = ready_key(tier, lane ~= '' and lane), count, 0, 4
  while left > 0 and bytes < READ_BYTES do
    local found = redis.call('XREVRANGE', stream, from, '-', 'COUNT', math.min(slice, left))
    for _, entry in ipairs(found) do
      bytes = bytes + #envelope_of(entry)
      if string.sub(job_in(entry), 1, 1) ~= '/' then row_of(job_in(entry)) end
    end
    if #found < math.min(slice, left) then return '' end
    left = left - #found
    from = '(' .. found[#found][1]
    slice = bytes < READ_BYTES / 64 and slice * 2 or 4 -- many small ones need few calls
  end
  return string.sub(from, 2)
end

local function list_scheduled()
  local first = tonumber(after) or 0
  local found = redis.call('ZRANGE', scheduled_key, first, first + count - 1)
  for _, id in ipairs(found) do row_of(id) end
  return #found == count and string.format('%.0f', first + count) or ''
end

local function list_some()
  for _, id in ipairs(after) do row_of(id) end
  return ''
end

local next_after
if source == 'ready' then
  next_after = list_ready()
elseif source == 'scheduled' then
  next_after = list_scheduled()
else
  next_after = list_some()
end

return cmsgpack.pack({ rows, next_after })
