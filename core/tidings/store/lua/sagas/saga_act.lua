#!lua flags=allow-oom
-- Does what an operator asks to a batch of running sagas.
--
-- Atomic, because what is decided by the record must hold when it is written: a saga that ends meanwhile is not queued.
--
-- args = { partition, act, items };  items: ids of jobs
--   act: 'release': queue a saga that is held (lib/saga.lua), and forget with what code it has been tried;
--     'pin': from now on only workers whose own version of its kind is that of the saga start it, and none by an upcast;
--     'unpin': end that.
-- Reply: MessagePack array with for each item 'ok'; 'same' (nothing to do: it is not held, is pinned already, or is not);
--   'finished' (it is over); 'no_saga' (it has taken no step); or 'unknown'. O(items).

local partition, act, items = unpack(args)

local FIELDS = { 'state', 'seq', 'watchers', 'tier', 'awaits', 'envelope', 'saga', 'kind', 'version', 'unserved', 'pinned' }

local function release(job)
  if job.state ~= WAITING or job.awaits ~= HELD or not job.envelope then return 'same' end
  job.seq = check_record(job.state, job.seq) + 1
  requeue(job, job.envelope, partition, bare_tail(QUEUED))
  redis.call('HDEL', job_key(job.id), 'held_in')
  return 'ok'
end

local function pin(job)
  return redis.call('HSET', job_key(job.id), 'pinned', 1) == 1 and 'ok' or 'same'
end

-- A saga that waits in the line of those that are pinned goes to the line of its version.
local function unpin(job)
  if redis.call('HDEL', job_key(job.id), 'pinned') == 0 then return 'same' end
  local line = job.unserved
  local plain = line and string.match(line, '^(.*)' .. PINNED .. '$')
  local since = plain and redis.call('ZSCORE', unserved_key(line), job.id)
  if since then
    leave_line(job.id, line)
    redis.call('HSET', job_key(job.id), 'unserved', plain)
    redis.call('ZADD', unserved_key(plain), since, job.id)
    redis.call('HSETNX', unserved_lines_key, plain, now)
    name_line(plain)
  end
  return 'ok'
end

local ACTS = { release = release, pin = pin, unpin = unpin }

local function do_act(id)
  local job = load_job(id, FIELDS)
  if not job.state then return 'unknown' end
  if terminal(job.state) then return 'finished' end
  if not job.saga then return 'no_saga' end
  return ACTS[act](job)
end

local replies = for_each(items, do_act)
conclude()
return cmsgpack.pack(replies)
