#!lua flags=allow-oom
-- Clears away what dead workers and lost writes leave behind, a bounded part of a partition at a time.
--
-- Atomic, because deleting a consumer deletes what it holds, and a log whose job comes back is no
-- orphan: between the look and the deed nothing may happen.
--
-- A consumer goes if it holds nothing, has asked for nothing for `idle_ms`, and is not among the living;
-- one that lives but was idle would come back by itself at its next read. Of the keys, a log without
-- its job goes, a journal of steps too, and the record of a job that has ended gets the expiry that it lacks.
--
-- A place of a limit whose holder is gone or has ended goes to the next; one that waits for a place, and is no more,
-- is forgotten. In a lane that has lost its turn it is put back.
--
-- args = { tiers, living, idle_ms, ttl_ms, cursor, count, limits }
--   living: names of the workers that say they live; cursor: where the last sweep stopped, at first '0';
--   count: how many keys to look at, about; limits: kind -> how many of its jobs may run.
-- Reply: MessagePack array { cursor, consumers, logs, records }: where to go on ('0': from the beginning
--   again), and how many of each were swept.
-- O(tiers · lanes + consumers + count).

local tiers, living, idle, ttl, cursor, count, limits = unpack(args)
local consumers, logs, records = 0, 0, 0

local lives = {}
for _, worker in ipairs(living) do lives[worker] = true end

local function sweep_consumers(stream)
  local rows = redis.pcall('XINFO', 'CONSUMERS', stream, GROUP)
  if rows.err then return end -- a lane of which nobody has taken anything yet has no group
  for _, row in ipairs(rows) do
    local consumer = {}
    for i = 1, #row, 2 do consumer[row[i]] = row[i + 1] end
    -- `idle` counts from the last time it asked for anything, with or without success. (`inactive`
    -- counts from the last success, and is -1 for one that never had any.)
    if consumer.pending == 0 and consumer.idle > idle and not lives[consumer.name] then
      redis.call('XGROUP', 'DELCONSUMER', stream, GROUP, consumer.name)
      consumers = consumers + 1
    end
  end
end

local function sweep_log(key, id)
  if redis.call('EXISTS', job_key(id)) == 0 then
    redis.call('UNLINK', key)
    logs = logs + 1
  end
end

local function sweep_record(key, id)
  if terminal(redis.call('HGET', key, 'state')) and redis.call('PTTL', key) == -1 then
    redis.call('PEXPIRE', key, ttl)
    redis.call('PEXPIRE', log_key(id), ttl)
    redis.call('PEXPIRE', steps_key(id), ttl)
    records = records + 1
  end
end

-- In a lane something waits, and it has no turn: writes were lost. One turn too many does no harm.
local function sweep_lane(tier, lane)
  if unheld(ready_key(tier, lane)) == 0 then return end
  if unheld(ready_key(tier)) == 0 then close_lane(tier, lane) end
  open_lane(tier, lane)
end

-- Nothing is set apart any more; or something is, and writes were lost that said so.
local function sweep_apart(tier, need)
  local stream = ready_key(tier, need)
  if redis.call('EXISTS', stream) == 0 or unheld(stream) == 0 then
    if string.find(lanes_of(tier), ' ' .. need .. ' ', 1, true) then close_lane(tier, need) end
  else
    note_apart(tier, need)
  end
end

-- Whether a job that has a place runs, or lies where a worker will find it.
local function uses_place(id)
  local state, entry, paced = unpack(redis.call('HMGET', job_key(id), 'state', 'entry', 'paced'))
  return state == 'running' or state == 'queued' and (entry or paced)
end

local function sweep_limit(limit)
  for _, id in ipairs(redis.call('SMEMBERS', limit_key(limit))) do
    if not uses_place(id) then redis.call('SREM', limit_key(limit), id) end
  end
  local most = limits[string.match(limit, '^[^:]*')]
  if most then fill(limit, most) end
end

for _, tier in ipairs(tiers) do
  for _, stream in ipairs(streams_of(tier)) do
    if redis.call('EXISTS', stream) == 1 then sweep_consumers(stream) end
  end
  for lane = 0, LANES - 1 do sweep_lane(tier, tostring(lane)) end
  for _, need in ipairs(NEEDS) do sweep_apart(tier, need) end
end

-- A root has no characters that mean something in a pattern: a queue's name has none.
local found = redis.call('SCAN', cursor, 'MATCH', root .. '*', 'COUNT', count)
for _, key in ipairs(found[2]) do
  local kind, id = string.match(string.sub(key, #root + 1), '^(%l+):(.*)$')
  if kind == 'log' or kind == 'steps' then
    sweep_log(key, id)
  elseif kind == 'job' then
    sweep_record(key, id)
  elseif kind == 'limit' or kind == 'limited' then
    sweep_limit(id)
  end
end

conclude()
return cmsgpack.pack({ found[1], consumers, logs, records })
