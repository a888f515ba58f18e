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
-- A member whose record has left is removed. A page that few of many members match may be short. O(2,000).

local owner, at, after, count, look, wanted = unpack(args)
local tag, kind, state, since = unpack(wanted)
local SLICE = 500 -- members in one step
local STEPS = 4 -- in one call, so that it does not hold the store for long
local key = owned_key(owner)
local word = ' ' .. tag .. ' '
local rows = {}

local function is_wanted(row)
  if kind ~= '' and row[2] ~= kind then return false end
  if state ~= '' and row[1] ~= state then return false end
  return since < 0 or not terminal(row[1]) or (tonumber(row[6]) or 0) >= since
end

local ROW = { 'state', 'kind', 'tier', 'attempt', 'submitted', 'finished', 'correlation_id', 'worker', 'tags' }

local function look_at(member, id, time)
  local is_record, row = pcall(read_fields, id, ROW)
  if not is_record then return end
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

local ID_LENGTH = 22
local function id_of(member) return string.sub(member, 1, ID_LENGTH) end

-- Looks at members until the page is full. Returns where to go on. Each step begins at the time where the last ended,
-- whose members it has seen in part: those of one time stand in the order of their names, the last first.
local function list()
  local from, seen = at > 0 and string.format('%.0f', at) or '+inf', after
  local last_time, last_member, offset, steps = string.format('%.0f', at), after, 0, 0
  while steps < STEPS do
    local found = redis.call('ZRANGE', key, from, '-inf', 'BYSCORE', 'REV', 'LIMIT', offset, SLICE, 'WITHSCORES')
    local before = redis.call('ZCARD', key)
    for i = 1, #found, 2 do
      if #rows >= count or look <= 0 then return tonumber(last_time), id_of(last_member) end
      local member, time = found[i], found[i + 1]
      local is_seen = seen ~= '' and tonumber(time) == tonumber(from) and id_of(member) >= seen
      if not is_seen and (tag == '' or string.find(member .. ' ', word, ID_LENGTH + 1, true)) then
        look_at(member, id_of(member), tonumber(time))
      end
      last_time, last_member = time, member
    end
    if #found < 2 * SLICE then return -1, '' end
    if tonumber(last_time) == tonumber(from) then -- a step of one time: as after a clock that was set back
      offset = offset + SLICE - (before - redis.call('ZCARD', key))
    else
      from, seen, offset, steps = last_time, id_of(last_member), 0, steps + 1
    end
  end
  return tonumber(last_time), id_of(last_member)
end

local ending = { list() }
rows[#rows + 1] = ending
return cmsgpack.pack(rows)
