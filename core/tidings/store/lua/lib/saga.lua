-- Sagas: jobs that wait for others, undo their work before they end badly, and have a journal of steps.

-- A saga that the code of its worker does not fit may be held: it is `waiting`, and nothing but a deadline, a wish to
-- cancel, an operator or a worker with other code ends that. Its record says why (`held`, a problem) and in which line it
-- lies (`held_in`): `standard/order@2!` and the digests of the code that did not fit it, with a comma between each two,
-- or `*` where they are many. Its `awaits` is HELD, the name of no signal. `held_in` stays when the hold ends.
local HELD = ' ! '

local function leave_hold(id, line)
  redis.call('ZREM', held_sagas_of_key(line), id)
  if redis.call('EXISTS', held_sagas_of_key(line)) == 0 then redis.call('HDEL', held_sagas_key, line) end
end

-- Removes what a record has of a wait that is over.
local function end_wait(id)
  -- A job that waits has the first two in any case.
  if redis.call('HDEL', job_key(id), 'envelope', 'awaits', 'held') == 3 then -- it was held
    leave_hold(id, redis.call('HGET', job_key(id), 'held_in') or '')
  end
end

-- Queues a job that waits; its number is that of the event.
local function requeue(job, envelope, partition, tail)
  redis.call('ZREM', scheduled_key, job.id)
  enqueue(job.id, job.tier, envelope)
  redis.call('HSET', job_key(job.id), 'seq', job.seq)
  end_wait(job.id)
  tell(job, partition, CHANGE, tail)
end

-- Something has happened that a saga may wait for. `woken` counts it, so that an attempt that is leaving notices; an
-- attempt that runs gets an order, in case another branch of it keeps it from leaving.
-- The job has its `state`, `tier`, `worker`, `awaits` and current `seq`. name: of a signal, for which a job is queued only if it
-- is among its `awaits`; nil: of no signal.
local function wake(job, partition, name)
  local key = job_key(job.id)
  redis.call('HINCRBY', key, 'woken', 1)
  if job.state == WAITING then
    if job.awaits == HELD then return end -- what came lies in the journal
    if name and not string.find(job.awaits or '', ' ' .. name .. ' ', 1, true) then return end
    job.seq = job.seq + 1
    requeue(job, redis.call('HGET', key, 'envelope'), partition, bare_tail(QUEUED))
  elseif job.state == RUNNING and job.worker then
    publish_order(job.worker, '+' .. job.id)
  end
end

-- A saga that would end badly, but owes something (steps to undo, children to stop), does not end yet: it turns, and
-- is queued to unwind. From then on neither its deadline nor a wish to cancel counts.
-- Returns whether a job turns that would end as `state`.
local UNWINDING_TAIL = '"event":"queued","status":"queued","data":{"unwinding":true}}'
local function turn(job, state, problem, note)
  if not job.saga or state == SUCCEEDED then return false end
  local key = job_key(job.id)
  local owed, unwinding = unpack(redis.call('HMGET', key, 'owed', 'unwinding'))
  if unwinding or tonumber(owed or 0) <= 0 then return false end
  redis.call('HSET', key, 'unwinding', state, 'cause', problem or '', 'cause_note', note or '', 'lost', 0)
  redis.call('HDEL', key, 'cancel')
  return true
end

-- Whether the relays of the workers are to look into the outbox. The worker that reports looks there by itself.
local relays_notified = true
local has_ended_children
local function spare_relays() relays_notified = false end

-- Takes a saga out of those that run on a version of a kind, `order@2` (step.lua puts it there).
local function uncount_saga(id, line)
  redis.call('SREM', sagas_of_key(line), id)
  if redis.call('EXISTS', sagas_of_key(line)) == 0 then redis.call('HDEL', sagas_key, line) end
end

-- Ends what a saga, or a child of one, has besides its record: the journal leaves with the record, and the outbox gets
-- the end of a child, from which a relay takes it to the parent's partition.
local function close_saga(id, state, ttl)
  redis.call('PEXPIRE', steps_key(id), ttl)
  local parent, counted, held_in = unpack(redis.call('HMGET', job_key(id), 'parent', 'counted', 'held_in'))
  if held_in then leave_hold(id, held_in) end
  if counted then
    uncount_saga(id, counted)
    redis.call('HDEL', job_key(id), 'counted')
  end
  if parent then
    redis.call('XADD', outbox_key, '*', 'parent', parent, 'id', id, 'state', state)
    has_ended_children = true
  end
end
