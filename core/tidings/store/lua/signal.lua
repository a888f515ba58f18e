-- Gives a batch of signals to jobs: each lies in its job's journal when this returns, and a job that waits
-- for it is queued.
--
-- Atomic, because a signal must be seen by the attempt that is leaving, or wake the job that has left.
--
-- args = { partition, max_signals, max_bytes, max_journal_bytes, items };  item = { id, owner, name, key, value }
--   owner: '' for anyone, else only that owner's job is touched; key: '' for none, else one that was given
--   with a signal before makes this the same signal; value: JSON text
-- Reply: MessagePack array with for each item 'ok', 'unknown', 'finished' (it was over), 'too_large' or 'full' (it
--   has had `max_signals`, or its journal is full). O(items).

local partition, max_signals, max_bytes, max_journal, items = unpack(args)

local function give(item)
  local id, caller, name, sent_key, value = unpack(item)
  local key, journal = job_key(id), steps_key(id)
  local state, owner, seq, watchers, tier, awaits, signals, worker, unwinding, bytes = unpack(redis.call('HMGET', key,
    'state', 'owner', 'seq', 'watchers', 'tier', 'awaits', 'signals', 'worker', 'unwinding', 'steps_bytes'))
  bytes = count_in(bytes) + #value
  signals = count_in(signals)
  local mark = 'signalkey:' .. name .. ':' .. sent_key
  if not state or (caller ~= '' and owner ~= caller) then
    return 'unknown'
  end
  if sent_key ~= '' and redis.call('HEXISTS', journal, mark) == 1 then return 'ok' end
  seq = check_record(state, seq)
  if terminal(state) or unwinding then return 'finished' end
  if #value > max_bytes then return 'too_large' end
  if signals >= max_signals or bytes > max_journal then return 'full' end
  local number = redis.call('HINCRBY', journal, 'signals:' .. name, 1)
  redis.call('HSET', journal, 'signal:' .. name .. ':' .. number, value)
  if sent_key ~= '' then redis.call('HSET', journal, mark, number) end
  redis.call('HSET', key, 'saga', 1, 'signals', signals + 1, 'steps_bytes', bytes)
  wake(id, state, tier, seq, watchers, worker, partition, awaits, name)
  return 'ok'
end

local replies = for_each(items, give)
conclude()
return cmsgpack.pack(replies)
