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
local replies = {}

for i, item in ipairs(items) do
  local id, caller, name, sent_key, value = unpack(item)
  local key, journal = job_key(id), steps_key(id)
  local state, owner, seq, watchers, tier, awaits, signals, worker, unwinding, bytes = unpack(redis.call('HMGET', key,
    'state', 'owner', 'seq', 'watchers', 'tier', 'awaits', 'signals', 'worker', 'unwinding', 'steps_bytes'))
  bytes = tonumber(bytes or 0) + #value
  local mark = 'signalkey:' .. name .. ':' .. sent_key
  if not state or (caller ~= '' and owner ~= caller) then
    replies[i] = 'unknown'
  elseif sent_key ~= '' and redis.call('HEXISTS', journal, mark) == 1 then
    replies[i] = 'ok'
  elseif terminal(state) or unwinding then
    replies[i] = 'finished'
  elseif #value > max_bytes then
    replies[i] = 'too_large'
  elseif tonumber(signals or 0) >= max_signals or bytes > max_journal then
    replies[i] = 'full'
  else
    local number = redis.call('HINCRBY', journal, 'signals:' .. name, 1)
    redis.call('HSET', journal, 'signal:' .. name .. ':' .. number, value)
    if sent_key ~= '' then redis.call('HSET', journal, mark, number) end
    redis.call('HSET', key, 'saga', 1, 'signals', tonumber(signals or 0) + 1, 'steps_bytes', bytes)
    wake(id, state, tier, seq, watchers, worker, partition, awaits, name)
    replies[i] = 'ok'
  end
end

conclude()
return cmsgpack.pack(replies)
