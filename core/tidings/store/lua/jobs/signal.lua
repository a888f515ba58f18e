-- Gives a batch of signals to jobs: each lies in its job's journal when this returns, and a job that waits for it is
-- queued.
--
-- Atomic, because the attempt that is leaving must see a signal, or the signal must wake the job that has left.
--
-- args = { partition, max_signals, max_bytes, max_journal_bytes, items };  item = { id, owner, name, key, value }
--   owner: only the job of this owner is touched, '': any job; key: if a signal before had it, this is the same signal,
--   '': it has none; value: JSON text
-- Reply: MessagePack array with for each item 'ok', 'unknown', 'finished' (it was over), 'too_large' or 'full' (it
--   has had `max_signals`, or its journal is full). O(items).

local partition, max_signals, max_bytes, max_journal, items = unpack(args)

local FIELDS = { 'state', 'owner', 'seq', 'watchers', 'tier', 'awaits', 'signals', 'worker', 'unwinding', 'steps_bytes' }

local function give(item)
  local id, caller, name, sent_key, value = unpack(item)
  local job, journal = load_job(id, FIELDS), steps_key(id)
  local bytes, signals = count_in(job.steps_bytes) + #value, count_in(job.signals)
  local mark = 'signalkey:' .. name .. ':' .. sent_key
  if not job.state or (caller ~= '' and job.owner ~= caller) then
    return 'unknown'
  end
  if sent_key ~= '' and redis.call('HEXISTS', journal, mark) == 1 then return 'ok' end
  job.seq = check_record(job.state, job.seq)
  if terminal(job.state) or job.unwinding then return 'finished' end
  if #value > max_bytes then return 'too_large' end
  if signals >= max_signals or bytes > max_journal then return 'full' end
  local number = redis.call('HINCRBY', journal, 'signals:' .. name, 1)
  redis.call('HSET', journal, 'signal:' .. name .. ':' .. number, value)
  if sent_key ~= '' then redis.call('HSET', journal, mark, number) end
  redis.call('HSET', job_key(id), 'saga', 1, 'signals', signals + 1, 'steps_bytes', bytes)
  wake(job, partition, name)
  return 'ok'
end

local replies = for_each(items, give)
conclude()
return cmsgpack.pack(replies)
