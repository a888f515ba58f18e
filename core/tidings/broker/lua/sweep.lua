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
-- args = { tiers, living, idle_ms, ttl_ms, cursor, count }
--   living: names of the workers that say they live; cursor: where the last sweep stopped, at first '0';
--   count: how many keys to look at, about.
-- Reply: MessagePack array { cursor, consumers, logs, records }: where to go on ('0': from the beginning
--   again), and how many of each were swept.
-- O(consumers + count).

local tiers, living, idle, ttl, cursor, count = unpack(args)
local consumers, logs, records = 0, 0, 0

local lives = {}
for _, worker in ipairs(living) do lives[worker] = true end

local function sweep_consumers(stream)
  for _, row in ipairs(redis.call('XINFO', 'CONSUMERS', stream, GROUP)) do
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

for _, tier in ipairs(tiers) do
  if redis.call('EXISTS', ready_key(tier)) == 1 then sweep_consumers(ready_key(tier)) end
end

-- A root has no characters that mean something in a pattern: a queue's name has none.
local found = redis.call('SCAN', cursor, 'MATCH', root .. '*', 'COUNT', count)
for _, key in ipairs(found[2]) do
  local kind, id = string.match(string.sub(key, #root + 1), '^(%l+):(.*)$')
  if kind == 'log' or kind == 'steps' then
    sweep_log(key, id)
  elseif kind == 'job' then
    sweep_record(key, id)
  end
end

return cmsgpack.pack({ found[1], consumers, logs, records })
