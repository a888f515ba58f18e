#!lua flags=allow-oom
-- Asks that a batch of jobs stop.
--
-- Atomic, because a job that waits is cancelled at once and must not be taken meanwhile. A job that
-- runs is marked, and its worker is told through its channel; the outcome comes from the worker.
--
-- args = { partition, result_ttl_ms, keep, items };  item = { id, owner, forbid }
--   owner: '' for anyone, else only that owner's job is touched
--   forbid: '' for nothing, else the kind of a saga's child that is not to be made if it is not there yet: whoever
--     still has its submission in hand (a worker that was taken for dead, or a batch) finds it ended.
-- Reply: MessagePack array with for each item 'cancelled' (now), 'asked' (it runs, or is a saga that has to
--   undo its work first), 'finished' (it was over) or 'unknown'. O(items).

local partition, ttl, kept, items = unpack(args)
keep = kept

local function cancel_waiting(id, key, state, tier, entry, seq, watchers, logged, counted, unique, saga, limit, shed,
  size, deadline)
  leave_places(id, state, tier, entry, shed)
  finish(id, 'cancelled', { 'seq', seq }, ttl, logged, counted, unique, saga, limit, size, deadline)
  tell(watchers, partition, id, seq, FINAL, bare_tail('cancelled'))
end

-- A saga that owes something is queued to unwind, unless it is in the queue already.
local function unwind_waiting(id, key, state, tier, seq, watchers)
  if state == 'queued' then
    redis.call('HSET', key, 'seq', seq)
    tell(watchers, partition, id, seq, CHANGE, UNWINDING_TAIL)
  else
    requeue(id, tier, redis.call('HGET', key, 'envelope'), seq, watchers, partition, UNWINDING_TAIL)
  end
end

-- A record as of a job that was cancelled before it began; submit.lua makes a child once for its id.
local function forbid_child(id, kind)
  redis.call('HSET', job_key(id), 'kind', kind, 'state', 'cancelled', 'seq', 1, 'attempt', 0, 'fence', 0,
    'submitted', now, 'finished', now, 'never', 1)
  redis.call('PEXPIRE', job_key(id), ttl)
end

local function cancel(item)
  local id, caller, forbid = unpack(item)
  local key = job_key(id)
  local state, tier, entry, seq, watchers, owner, worker, logged, counted, unique, saga, unwinding, limit, shed, never,
    size, deadline =
    unpack(redis.call('HMGET', key, 'state', 'tier', 'entry', 'seq', 'watchers', 'owner', 'worker', 'logged', 'caller',
      'unique', 'saga', 'unwinding', 'limit', 'shed', 'never', 'size', 'deadline'))
  if not state or (caller ~= '' and owner ~= caller) then
    if not state and forbid ~= '' then forbid_child(id, forbid) end
    return 'unknown'
  end
  seq = check_record(state, seq)
  if terminal(state) then return never and 'unknown' or 'finished' end
  if unwinding then return 'asked' end
  if state == 'running' then
    redis.call('HSET', key, 'cancel', 1)
    redis.call('PUBLISH', channels .. 'orders:' .. (worker or ''), id)
    return 'asked'
  end
  if turn(id, saga, 'cancelled') then
    unwind_waiting(id, key, state, tier, seq + 1, watchers)
    return 'asked'
  end
  cancel_waiting(id, key, state, tier, entry, seq + 1, watchers, logged, counted, unique, saga, limit, shed, size,
    deadline)
  return 'cancelled'
end

local replies = for_each(items, cancel)
conclude()
return cmsgpack.pack(replies)
