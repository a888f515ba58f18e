#!lua flags=allow-oom
-- Clears away what dead workers and lost writes leave behind, a bounded part of a partition at a time.
--
-- Atomic, because deleting a consumer deletes what it holds, and a log whose job comes back is no orphan: between the
-- look and the deed nothing may happen.
--
-- A consumer goes if it holds nothing, has asked for nothing for `idle_ms`, and is not among the living; a consumer that
-- lives but was idle would come back by itself at its next read. Of the keys, a log without its job goes, its streams
-- and the journal of its steps too, and the record of a job that has ended gets the expiry that it lacks.
--
-- A live job that lies nowhere any more, as its entry was deleted or lost, is put back if its record has its input, and
-- ends otherwise. A job that runs is left alone as long as its worker renews its lease (beat.lua).
--
-- A job that a process of an earlier release ended, which makes no deliveries to webhooks, gets them now; a delivery that
-- lies in no row is due again.
--
-- A place of a limit whose holder is gone or has ended goes to the next job; a job that waits for a place, and is no
-- more, is forgotten. A lane that has lost its turn gets it back.
--
-- Of the lines of jobs that wait for a worker of their kind, those that are empty go, and so do jobs that wait there no more.
--
-- Of the jobs that are listed for an owner, those whose record has left go.
--
-- args = { tiers, living, idle_ms, ttl_ms, cursor, count, limits, partition, finished_kept }
--   living: names of the workers that say they live; cursor: where the last sweep stopped, at first '0';
--   count: how many keys to look at, about; limits: kind -> how many of its jobs may run.
-- Reply: MessagePack array { cursor, consumers, logs, records, lost }: where to go on ('0': from the beginning
--   again), and how many of each were swept.
-- O(tiers · lanes + consumers + count).

local tiers, living, idle, ttl, cursor, count, limits, partition, kept = unpack(args)
keep_finished(kept)
local consumers, logs, records, lost = 0, 0, 0, 0
local looked_at = 0

local lives = {}
for _, worker in ipairs(living) do lives[worker] = true end

local function sweep_consumers(stream)
  local rows = redis.pcall('XINFO', 'CONSUMERS', stream, GROUP)
  if rows.err then return end -- a lane of which no worker has taken anything yet has no group
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

-- The only way to see whether an entry is there is to read it, and it may be large.
local LOOK_BYTES = 4194304

local function is_there(tier, entry)
  local stream, id = place(tier, entry)
  local found = redis.call('XRANGE', stream, id, id)[1]
  looked_at = looked_at + (found and #envelope_of(found) or 0)
  return found ~= nil
end

-- Sweeps a job that lies in a stream, by what its record says.
local function sweep_entry(job)
  if looked_at >= LOOK_BYTES or (job.entry and is_there(job.tier, job.entry)) then return end
  local key = job_key(job.id)
  if job.state == RUNNING then
    if not job.vanished then redis.call('HSET', key, 'vanished', now) end
    if not job.vanished or now - count_in(job.vanished) < idle then return end
  end
  lost = lost + 1
  if job.state == QUEUED and job.envelope then
    enqueue(job.id, job.tier, job.envelope)
    redis.call('HDEL', key, 'envelope')
  else
    give_up(job.id, partition, ttl, VANISHED)
  end
end

-- Sweeps a job that steps aside: it waits for a place of its limit, or for a time.
local function sweep_aside(job)
  if job.limit and redis.call('ZSCORE', limited_key(job.limit), job.id) then return end
  if redis.call('ZSCORE', scheduled_key, job.id) then return end
  if is_in_line(job.id, job.unserved) then return end
  lost = lost + 1
  step_back(job.id, job.tier, job.envelope)
end

local function sweep_scheduled(id)
  if redis.call('ZSCORE', scheduled_key, id) then return end
  lost = lost + 1
  schedule(id, now)
end

local LIVE_FIELDS = { 'state', 'tier', 'entry', 'envelope', 'limit', 'vanished', 'deadline', 'unwinding', 'unserved' }

local function sweep_live(id)
  local job = load_job(id, LIVE_FIELDS)
  if job.deadline and not job.unwinding and not redis.call('ZSCORE', deadlines_key, id) then
    redis.call('ZADD', deadlines_key, whole(job.deadline, 'deadline'), id)
  end
  if job.state == QUEUED and not job.entry and job.envelope then
    sweep_aside(job)
  elseif job.state == QUEUED or job.state == RUNNING then
    sweep_entry(job)
  elseif job.state == SCHEDULED then
    sweep_scheduled(id)
  end
end

local RECORD = { 'state', 'webhook', 'webhook_told' }

local function sweep_record(key, id)
  local state, webhook, told = unpack(read_fields(id, RECORD))
  if NEXT[state] and not terminal(state) then return sweep_live(id) end
  if webhook and not told then note_deliveries({ id = id, seq = tonumber(redis.call('HGET', key, 'seq')) }, true) end
  if terminal(state) and redis.call('PTTL', key) == -1 then
    redis.call('PEXPIRE', key, ttl)
    redis.call('PEXPIRE', log_key(id), ttl)
    redis.call('PEXPIRE', steps_key(id), ttl)
    expire_streams(load_job(id, { 'streams' }), ttl)
    records = records + 1
  end
end

-- Gives a lane in which something waits its turn, in case writes were lost. One turn too many does no harm.
local function sweep_lane(tier, lane)
  if unheld(ready_key(tier, lane)) == 0 then return end
  if unheld(ready_key(tier)) == 0 then close_lane(tier, lane) end
  open_lane(tier, lane)
end

-- Notes whether something is set apart, in case writes were lost that said so.
local function sweep_apart(tier, need)
  local stream = ready_key(tier, need)
  if redis.call('EXISTS', stream) == 0 or unheld(stream) == 0 then
    if has_lane(tier, need) then close_lane(tier, need) end
  else
    note_apart(tier, need)
  end
end

-- Looks at the oldest members, and at some others in turn: one job that lives for long must not hide those behind it.
local OWNED_LOOK = 100
local function sweep_owned(owner)
  local key = owned_key(owner)
  local last = math.max(redis.call('ZCARD', key) - OWNED_LOOK, 0)
  local alive = false
  for _, first in ipairs({ 0, last > 0 and now % last or nil }) do
    for _, member in ipairs(redis.call('ZRANGE', key, first, first + OWNED_LOOK - 1)) do
      if redis.call('EXISTS', job_key(string.match(member, '^%S+'))) == 1 then
        alive = true
      else
        redis.call('ZREM', key, member)
      end
    end
  end
  if alive then keep_owned(key, 0) end
end

-- Returns whether a job that has a place runs, or lies where a worker will find it.
local function uses_place(id)
  local state, entry, paced = unpack(read_fields(id, { 'state', 'entry', 'paced' }))
  return state == RUNNING or state == QUEUED and (entry or paced)
end

-- Puts deliveries of a job that lie in no row, as writes were lost, among those that are due.
local function sweep_deliveries(id)
  local row = webhook_key('of', id)
  if redis.call('HLEN', row) > 5000 then return end
  for _, field in ipairs(redis.call('HKEYS', row)) do
    local name, found = id .. '_' .. field, string.find(field, '^%d+_%d+$') and standing(id .. '_' .. field)
    local what = found and (found[1] == 'waiting' or found[1] == 'sending') and cmsgpack.unpack(redis.call('HGET', row, field))
    if what and not redis.call('ZSCORE', webhook_key('due', what[1]), name)
      and not redis.call('ZSCORE', webhook_key('held', what[1]), name) then
      lost = lost + 1
      redis.call('ZADD', webhook_key('pending'), 'NX', now, name)
      redis.call('ZADD', webhook_key('due', what[1]), now, name)
      places_noted = places_noted or {}
      places_noted[what[1]] = true
    end
  end
end

local function sweep_limit(limit)
  for _, id in ipairs(redis.call('SMEMBERS', limit_key(limit))) do
    if not uses_place(id) then redis.call('SREM', limit_key(limit), id) end
  end
  local most = limits[string.match(limit, '^[^:]*')]
  if most then fill(limit, most) end
end

-- Looks at the jobs that have waited longest in a line: one may have ended, or moved, by a process of an earlier release.
local LINE_LOOK = 100
local function sweep_line(line)
  for _, id in ipairs(redis.call('ZRANGE', unserved_key(line), 0, LINE_LOOK - 1)) do
    local state, entry, named = unpack(read_fields(id, { 'state', 'entry', 'unserved' }))
    if state ~= QUEUED or entry or named ~= line then redis.call('ZREM', unserved_key(line), id) end
  end
  if redis.call('EXISTS', unserved_key(line)) == 0 then
    redis.call('HDEL', unserved_lines_key, line)
  else
    redis.call('HSETNX', unserved_lines_key, line, now)
  end
end

-- Looks at some of the sagas that count as running: a process of an earlier release may have ended one.
local function sweep_sagas(line)
  for _, id in ipairs(redis.call('SRANDMEMBER', sagas_of_key(line), LINE_LOOK)) do
    local state = load_job(id, { 'state' }).state
    if not state or terminal(state) then uncount_saga(id, line) end
  end
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
local function sweep_key(key)
  local kind, id = string.match(string.sub(key, #root + 1), '^([%l-]+):(.*)$')
  if kind == 'log' or kind == 'steps' then
    sweep_log(key, id)
  elseif kind == 'chunks' then
    sweep_log(key, string.match(id, '^(.*):'))
  elseif kind == 'job' then
    sweep_record(key, id)
  elseif kind == 'webhook-of' then
    sweep_deliveries(id)
  elseif kind == 'limit' or kind == 'limited' then
    sweep_limit(id)
  elseif kind == 'unserved' then
    sweep_line(id)
  elseif kind == 'sagas' then
    sweep_sagas(id)
  elseif kind == 'owned' then
    sweep_owned(id)
  end
  return 'ok'
end

-- The first key changes from call to call, so that those behind large ones are looked at too.
local keys = found[2]
for i = 1, #keys do
  local key = keys[(now + i) % #keys + 1]
  pcall(sweep_key, key) -- a key that is not what its name says is left alone
end
conclude()
return cmsgpack.pack({ found[1], consumers, logs, records, lost })
