-- How jobs end, wherever they are.

-- Ends a job: the record keeps what a late watcher needs, and leaves after `ttl` ms.
-- The job has the ENDING fields of its record, which its script has read with others, because a command costs more
-- than what it does. job.compact: the text that takes the record's place (lib/records.lua); else nil. fields: names and values that one HSET writes with the state, the job's number among them.
local function finish(job, state, fields, ttl)
  local id, key = job.id, job_key(job.id)
  if finished_kept > 0 then note_finished(job, state) end
  if job.compact then
    redis.call('SET', key, job.compact, 'PX', ttl)
  else
    redis.call('HSET', key, 'state', state, 'finished', now, unpack(fields))
    if state == FAILED then -- a replay needs the rest
      redis.call('HDEL', key, 'watchers', 'envelope', 'entry', 'worker')
    else
      redis.call('HDEL', key, 'watchers', 'envelope', 'entry', 'worker', 'call', 'size')
    end
    redis.call('PEXPIRE', key, ttl)
  end
  if job.logged then redis.call('PEXPIRE', log_key(id), ttl) end
  if job.streams then expire_streams(job, ttl) end
  if job.unique and redis.call('GET', unique_key(job.unique)) == id then redis.call('DEL', unique_key(job.unique)) end
  if job.saga then close_saga(id, state, ttl) end
  tally(job.caller, -1, job.size)
  if job.deadline then redis.call('ZREM', deadlines_key, id) end
  if job.limit then leave_limit(job.limit, id) end
end

-- Ends a job for a reason that no problem explains: `cancelled` or `expired`. job.seq: the number of its last event.
local function end_plainly(job, partition, state, ttl)
  finish(job, state, { 'seq', job.seq }, ttl)
  tell(job, partition, FINAL, bare_tail(state))
end

-- Ends a job for a problem, which is JSON text. job.seq: the number of its last event.
local function fail(job, partition, problem, ttl)
  finish(job, FAILED, { 'seq', job.seq, 'problem', problem }, ttl)
  tell(job, partition, FINAL, failed_tail(problem))
end

-- The problems of jobs whose record or entry is not what a script wrote (a test compares their form with
-- protocol/problems.py).
local function internal_error(detail)
  return '{"type":"urn:tidings:problem:internal_error","title":"Something broke on our side.","status":500,"detail":"' ..
    detail .. '","code":"internal_error"}'
end
local BROKEN = internal_error('what the store holds of this job cannot be read; submit the work again')
local VANISHED = internal_error('the store has lost the input of this job; submit the work again')

local ENDING = { 'state', 'seq', 'watchers', 'tier', 'entry', 'logged', 'streams', 'caller', 'unique', 'saga', 'unwinding', 'limit',
  'shed', 'size', 'deadline', 'envelope' }

-- Ends a job that cannot go on, as far as its record allows. Otherwise a worker would take it, or the schedule would
-- find it due, for ever.
local function give_up(id, partition, ttl, problem)
  if redis.call('TYPE', job_key(id)).ok ~= 'hash' then return false end
  local job = load_job(id, ENDING)
  if terminal(job.state) then return false end
  job.seq = (pcall(whole, job.seq, 'seq') and tonumber(job.seq) or 0) + 1
  job.logged = true -- what the record says of it may be what is broken
  fail(job, partition, problem, ttl)
  return true
end

-- Takes a job that waits out of the places in which it may lie.
local function leave_places(job)
  if job.entry then
    acknowledge(job.tier, job.entry)
    if job.shed then redis.call('ZREM', sheddable_key(job.tier), job.id) end
  elseif job.state == QUEUED then
    leave_aside(job.id, job.tier)
  else
    redis.call('ZREM', scheduled_key, job.id)
  end
end

-- Deadlines: a live job that has one is a member of `deadlines`, and ends when it comes, wherever it waits. A job that
-- runs is stopped by its worker. If that worker is lost, and no other takes the job over, the job ends some time later.
local FORSAKEN_MS = 60000
local function is_forsaken(job)
  if now - job.deadline < FORSAKEN_MS then return false end
  local stream, id = place(job.tier, job.entry or '0-0')
  local held = redis.pcall('XPENDING', stream, GROUP, id, id, 1)
  return held.err ~= nil or not held[1] or held[1][3] >= FORSAKEN_MS
end

local function expire(id, partition, ttl)
  local job = load_job(id, ENDING)
  redis.call('ZREM', deadlines_key, id)
  if not job.state or terminal(job.state) or not job.deadline or job.unwinding then return end
  job.seq, job.deadline = check_record(job.state, job.seq) + 1, whole(job.deadline, 'deadline')
  if job.deadline > now then
    redis.call('ZADD', deadlines_key, job.deadline, id)
  elseif job.state == RUNNING and (job.saga or not is_forsaken(job)) then
    redis.call('ZADD', deadlines_key, now + FORSAKEN_MS, id)
  elseif not turn(job, EXPIRED) then
    leave_places(job)
    end_plainly(job, partition, EXPIRED, ttl)
  elseif job.entry then
    redis.call('HSET', job_key(id), 'seq', job.seq)
    tell(job, partition, CHANGE, UNWINDING_TAIL)
  else
    leave_places(job)
    if job.limit then leave_limit(job.limit, id) end
    requeue(job, job.envelope, partition, UNWINDING_TAIL)
  end
end

-- Ends up to `most` jobs whose deadline has passed. Returns how many it looked at, and the ms until the next deadline;
-- -1: there is none.
local function expire_late(partition, ttl, most, faults)
  local late = redis.call('ZRANGEBYSCORE', deadlines_key, '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(late) do
    local done_well, reason = pcall(expire, id, partition, ttl)
    if not done_well then
      faults[#faults + 1] = fault_with(id, reason)
      pcall(give_up, id, partition, ttl, BROKEN)
    end
  end
  local first = redis.call('ZRANGE', deadlines_key, 0, 0, 'WITHSCORES')
  return #late, first[2] and math.min(math.ceil(math.max(first[2] - now, 0)), 86400000) or -1
end
