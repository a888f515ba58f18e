#!lua flags=allow-oom
-- Lists live jobs for operators: the wanted ones in some places, one place after the other, or some by id.
--
-- Atomic, because a job that moves meanwhile would stand in a page as it never was; two pages may be of two moments.
-- Jobs that are not wanted are left out here, so that few calls find few among many.
--
-- args = { places, at, after, count, look, wanted }
--   places: array of { source, tier, lane }:
--     'ready': the stream of a tier, or of its lane if that is not '': the newest first, those that run among them;
--     'held': the jobs of such a stream that workers hold, so those that run, the oldest first;
--     'scheduled': the schedule (also sagas that wait, and jobs that stepped aside): the first due first;
--     'ids': `tier` is an array of ids;
--   at, after: where to begin: 1, '', or what the call before gave;
--   count: rows that are wanted, from 1;
--   look: jobs that may be looked at, from 2; a place counts as one;
--   wanted = { state, kind, correlation_id, since, until, owner, tag }: '' and 0 do not matter; ms since the epoch of the submission.
-- Reply: MessagePack array { rows, at, after }: at: the number of places + 1 if there is no more;
--   row = { id, state, kind, tier, attempt, submitted, correlation_id, worker, finished, owner, tags }, '' for
--   what is missing.
-- O(look + after), and O(ids).

local places, at, after, count, look, wanted = unpack(args)
local READ_BYTES = 4194304 -- an entry is read whole, though only the job's id is wanted
local rows, bytes = {}, 0

local function full() return #rows >= count or look <= 0 or bytes >= READ_BYTES end

local function is_wanted(row)
  local state, kind, correlation, since, till, owner, tag = unpack(wanted)
  local submitted = tonumber(row[5]) or 0
  return not terminal(row[1]) and (state == '' or state == row[1]) and (kind == '' or kind == row[2])
    and (correlation == '' or correlation == row[6]) and since <= submitted and (till == 0 or submitted <= till)
    and (owner == '' or owner == row[9])
    and (tag == '' or string.find(' ' .. row[10] .. ' ', ' ' .. tag .. ' ', 1, true) ~= nil)
end

local ROW = { 'state', 'kind', 'tier', 'attempt', 'submitted', 'correlation_id', 'worker', 'finished', 'owner', 'tags' }

local function row_of(id)
  local is_record, row = pcall(read_fields, id, ROW)
  if not is_record or not row[1] then return end
  for i = 1, 10 do row[i] = row[i] or '' end
  return row
end

local function add(id, row)
  table.insert(row, 1, id)
  rows[#rows + 1] = row
end

local function look_at(id)
  look = look - 1
  local row = row_of(id)
  if row and is_wanted(row) then add(id, row) end
end

-- Each of these lists one place until the page is full or the place is through. Returns where to go on; '': through.
local function list_ready(tier, lane)
  local stream, slice = ready_key(tier, lane ~= '' and lane), 4
  while not full() do
    local asked = math.min(slice, look)
    local found = redis.call('XREVRANGE', stream, after == '' and '+' or '(' .. after, '-', 'COUNT', asked)
    for _, entry in ipairs(found) do
      if full() then return after end
      bytes = bytes + #envelope_of(entry)
      after = entry[1]
      if string.sub(job_in(entry), 1, 1) ~= '/' then look_at(job_in(entry)) end
    end
    if #found < asked then return '' end
    slice = bytes < READ_BYTES / 64 and slice * 2 or 4 -- many small ones need few calls
  end
  return after
end

local function list_held(tier, lane)
  local stream = ready_key(tier, lane ~= '' and lane)
  local asked = look
  local held = redis.pcall('XPENDING', stream, GROUP, after == '' and '-' or '(' .. after, '+', asked)
  if held.err then return '' end -- no worker has joined
  for _, one in ipairs(held) do
    if full() then return after end
    after = one[1]
    local entry = redis.call('XRANGE', stream, after, after)[1]
    if entry then
      bytes = bytes + #envelope_of(entry)
      look_at(job_in(entry))
    end
  end
  return #held < asked and '' or after
end

local function list_scheduled()
  local first = tonumber(after) or 0
  local found = redis.call('ZRANGE', scheduled_key, first, first + look - 1)
  local through = #found < look
  for _, id in ipairs(found) do
    if full() then through = false break end
    first = first + 1
    look_at(id)
  end
  return through and '' or string.format('%.0f', first)
end

local function list_some(ids)
  for _, id in ipairs(ids) do
    local row = row_of(id)
    if row then add(id, row) end
  end
  return ''
end

local LISTS = { ready = list_ready, held = list_held, scheduled = list_scheduled, ids = list_some }

while at <= #places and not full() do
  local source, tier, lane = unpack(places[at])
  look = look - 1
  if look > 0 then
    after = LISTS[source](tier, lane)
    if after == '' then at = at + 1 end
  end
end

return cmsgpack.pack({ rows, at, after })
