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
local rows = {}

local function row_of(id)
  local row = redis.call('HMGET', job_key(id), 'state', 'kind', 'tier', 'attempt', 'submitted', 'correlation_id',
    'worker', 'finished')
  if not row[1] then return end
  for i = 1, 8 do row[i] = row[i] or '' end
  table.insert(row, 1, id)
  rows[#rows + 1] = row
end

local function list_ready()
  local from = after == '' and '+' or '(' .. after
  local found = redis.call('XREVRANGE', ready_key(tier, lane ~= '' and lane), from, '-', 'COUNT', count)
  for _, entry in ipairs(found) do
    if string.sub(entry[2][2], 1, 1) ~= '/' then row_of(entry[2][2]) end
  end
  return #found == count and found[#found][1] or ''
end

local function list_scheduled()
  local first = tonumber(after) or 0
  local found = redis.call('ZRANGE', scheduled_key, first, first + count - 1)
  for _, id in ipairs(found) do row_of(id) end
  return #found == count and tostring(first + count) or ''
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
