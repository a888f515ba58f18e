#!lua flags=allow-oom
-- Asks that a batch of jobs stop.
--
-- Atomic, because a job that waits is cancelled at once and no worker may take it meanwhile. A job that runs is marked,
-- and its worker gets an order through its channel; the outcome comes from the worker.
--
-- args = { partition, result_ttl_ms, finished_kept, items };  item = { id, owner, forbid }
--   owner: only the job of this owner is touched, '': any job
--   forbid: the kind of a saga's child that is not to be made if it is not there yet, '': none. A worker that was taken
--     for dead, or a batch, may still submit it: that finds the child ended.
-- Reply: MessagePack array with for each item 'cancelled' (now), 'asked' (it runs, or is a saga that has to
--   undo its work first), 'finished' (it was over) or 'unknown'. O(items).

local partition, ttl, kept, items = unpack(args)
keep_finished(kept)

local FIELDS = { 'state', 'tier', 'entry', 'seq', 'watchers', 'owner', 'worker', 'logged', 'streams', 'caller', 'unique', 'saga',
  'unwinding', 'limit', 'shed', 'never', 'size', 'deadline' }

-- Queues a saga that owes something, so that it unwinds, unless it is in the queue already.
local function unwind_waiting(job)
  if job.state == QUEUED then
    redis.call('HSET', job_key(job.id), 'seq', job.seq)
    tell(job, partition, CHANGE, UNWINDING_TAIL)
  else
    requeue(job, redis.call('HGET', job_key(job.id), 'envelope'), partition, UNWINDING_TAIL)
  end
end

-- Writes a record as of a job that was cancelled before it began; submit.lua makes a child once for its id.
local function forbid_child(id, kind)
  redis.call('HSET', job_key(id), 'kind', kind, 'state', CANCELLED, 'seq', 1, 'attempt', 0, 'fence', 0,
    'submitted', now, 'finished', now, 'never', 1)
  redis.call('PEXPIRE', job_key(id), ttl)
end

local function cancel(item)
  local id, caller, forbid = unpack(item)
  local job = load_job(id, FIELDS)
  if not job.state or (caller ~= '' and job.owner ~= caller) then
    if not job.state and forbid ~= '' then forbid_child(id, forbid) end
    return 'unknown'
  end
  job.seq = check_record(job.state, job.seq)
  if terminal(job.state) then return job.never and 'unknown' or 'finished' end
  if job.unwinding then return 'asked' end
  if job.state == RUNNING then
    redis.call('HSET', job_key(id), 'cancel', 1)
    publish_order(job.worker or '', id)
    return 'asked'
  end
  job.seq = job.seq + 1
  if turn(job, CANCELLED) then
    unwind_waiting(job)
    return 'asked'
  end
  leave_places(job)
  end_plainly(job, partition, CANCELLED, ttl)
  return 'cancelled'
end

local replies = for_each(items, cancel)
conclude()
return cmsgpack.pack(replies)
