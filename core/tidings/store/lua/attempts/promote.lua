#!lua flags=allow-oom
-- Moves jobs that are due from the schedule into their queues; among them sagas that wait (their timer, or their
-- deadline, has come), and jobs that stepped aside (their turn by a rate, or their deadline, has come). Any worker may
-- run it at any time. Jobs whose deadline has passed end as well (expire.lua).
--
-- Atomic, because a job must be in one of the two places, and in one only.
--
-- args = { partition, result_ttl_ms, finished_kept, most }
-- Reply: MessagePack array { moved, wait_ms, faults }: how many were moved, and how long until the next is due, or late;
--   wait_ms is -1 if the schedule is empty; faults: for each job that ended because its record cannot be read: its id,
--   a space, and why.
-- O(most · log(schedule)); it stops early where the envelopes that it moves are many bytes.

local partition, ttl, kept, most = unpack(args)
keep_finished(kept)
local MOVED_BYTES = 4194304
local bytes, moved, faults = 0, 0, {}

local FIELDS = { 'state', 'tier', 'envelope', 'seq', 'watchers', 'deadline', 'logged', 'streams', 'caller', 'unique', 'saga',
  'unwinding', 'limit', 'entry', 'size', 'unserved' }

-- Moves a job that is late: its deadline has passed.
local function move_late(job, is_aside)
  if is_aside then leave_aside(job.id, job.tier) end
  if not turn(job, EXPIRED) then return end_plainly(job, partition, EXPIRED, ttl) end
  if job.limit then leave_limit(job.limit, job.id) end
  requeue(job, job.envelope, partition, UNWINDING_TAIL)
end

-- Moves a job that is due.
local function move_due(job)
  local key = job_key(job.id)
  if job.state == WAITING then
    redis.call('HDEL', key, 'parked') -- no event woke it: its next attempt looks again at what it waits for
    return requeue(job, job.envelope, partition, bare_tail(QUEUED))
  end
  enqueue(job.id, job.tier, job.envelope, job.caller)
  redis.call('HSET', key, 'seq', job.seq)
  redis.call('HDEL', key, 'envelope')
  tell(job, partition, CHANGE, bare_tail(QUEUED))
end

local function move(id)
  redis.call('ZREM', scheduled_key, id)
  local job = load_job(id, FIELDS)
  local state, limit = job.state, job.limit
  if not state then return end
  local seq = check_record(state, job.seq)
  bytes = bytes + (job.envelope and #job.envelope or 0)
  local is_aside = state == QUEUED and not job.entry
  local is_late = job.deadline and whole(job.deadline, 'deadline') <= now and not job.unwinding
  if is_aside and not is_late then
    if limit and redis.call('ZSCORE', limited_key(limit), id) then return end -- it waits for a place of its limit
    if is_in_line(id, job.unserved) then return end -- it waits for a worker that serves its kind
    step_back(id, job.tier, job.envelope, job.caller)
  elseif state == SCHEDULED or state == WAITING or is_aside then
    job.seq = seq + 1
    if is_late then
      move_late(job, is_aside)
    else
      move_due(job)
    end
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', scheduled_key, '-inf', now, 'LIMIT', 0, most)) do
  if bytes >= MOVED_BYTES then break end
  moved = moved + 1
  local done_well, reason = pcall(move, id)
  if not done_well then
    faults[#faults + 1] = fault_with(id, reason)
    pcall(give_up, id, partition, ttl, BROKEN)
  end
end

local next_due = redis.call('ZRANGE', scheduled_key, 0, 0, 'WITHSCORES')
local wait = next_due[2] and math.min(math.ceil(math.max(next_due[2] - now, 0)), 86400000) or -1
local late, late_wait = expire_late(partition, ttl, most, faults)
if wait < 0 or (late_wait >= 0 and late_wait < wait) then wait = late_wait end
conclude()
return cmsgpack.pack({ moved + late, wait, faults })
