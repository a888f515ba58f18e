#!lua flags=allow-oom
-- Lists the jobs of an owner in a partition, the newest first: a page of those that are wanted.
--
-- Atomic, because a job that moves meanwhile would stand in a page as it never was; two pages may be of two moments.
--
-- args = { owner, at_us, id, count, look, wanted }
--   at_us, id: where the page begins: after the job `id` of that time; id '': with the first of that time or before;
--     at_us 0: with the newest;
--   count: rows that are wanted, from 1; look: records that may be looked at, from 1;
--   wanted = { tag, kind, state, live_since }: '' does not matter; live_since: -1: whatever its state; else only jobs
--     that live, or ended then (ms since the epoch) or later.
-- Reply: MessagePack array of rows, and behind them { at_us, id }: where the next page begins; at_us -1: there is no
--   more;
--   row = { at_us, id, state, kind, tier, attempt, submitted, finished, correlation_id, worker, tags }, '' for what is
--   missing, the numbers as text.
-- A member whose record has left is removed. O(members of the owner) for a tag that few have, else O(look · log).

local owner, at, after, count, look, wanted = unpack(args)
local tag, kind, state, since = unpack(wanted)
local SLICE = 500 -- members in one step
local key = owned_key(owner)
local rows = {}

local function is_wanted(row)
  if kind ~= '' and row[2] ~= kind then return false end
  if state ~= '' and row[1] ~= state then return false end
  return since < 0 or not terminal(row[1]) or (tonumber(row[6]) or 0) >= since
end

local function look_at(member, id, time)
  local row = redis.pcall('HMGET', job_key(id), 'state', 'kind', 'tier', 'attempt', 'submitted', 'finished',
    'correlation_id', 'worker', 'tags')
  if row.err then return end
  if not row[1] then
    redis.call('ZREM', key, member)
    return
  end
  look = look - 1
  if not is_wanted(row) then return end
  for i = 1, 9 do row[i] = row[i] or '' end
  table.insert(row, 1, id)
  table.insert(row, 1, time)
  rows[#rows + 1] = row
end

-- Looks at members until the page is full. Returns where to go on.
local function list()
  local highest, skipped, seen_at = at > 0 and string.format('%.0f', at) or '+inf', after, at
  local last_at, last_id = at, after
  local offset = 0
  while true do
    local found = redis.call('ZRANGE', key, highest, '-inf', 'BYSCORE', 'REV', 'LIMIT', offset, SLICE, 'WITHSCORES')
    local removed = redis.call('ZCARD', key)
    for i = 1, #found, 2 do
      if #rows >= count or look <= 0 then return last_at, last_id end
      local member, time = found[i], tonumber(found[i + 1])
      local id = string.match(member, '^%S+')
      -- Members of one time stand in the order of their names, the last first.
      if not (time == seen_at and skipped ~= '' and id >= skipped) then
        if tag == '' or string.find(member .. ' ', ' ' .. tag .. ' ', 1, true) then look_at(member, id, time) end
      end
      last_at, last_id = time, id
    end
    if #found < 2 * SLICE then return -1, '' end
    offset = offset + SLICE - (removed - redis.call('ZCARD', key))
  end
end

local ending = { list() }
rows[#rows + 1] = ending
return cmsgpack.pack(rows)
