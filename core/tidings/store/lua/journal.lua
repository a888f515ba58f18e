#!lua flags=allow-oom
-- Reads the journals of a batch of running sagas.
--
-- Atomic, because what is read and how often the job has been woken must be of the same moment: from
-- there on whatever wakes it is news.
--
-- args = { items };  item = { id, fence }
-- Reply: MessagePack array with for each item { answer, now_ms, woken, replays, epoch, parked, owner, remaining_ms,
--   fields, unwinding, cause }
--   answer: 'ok', or 'lost' (not this attempt's job any more); replays: how often its dead letter was replayed;
--   epoch: how often it began anew; parked: the fence of the last attempt that left to wait, 0: it was not
--   woken since; fields: names and values of the journal (step.lua), one after the other;
--   unwinding: of a saga that has to undo its work 'failed', 'cancelled' or 'expired', for which it does, else '';
--   cause: the problem that caused it, as JSON text, or ''.
-- O(items · fields).

local items = unpack(args)

local function read(item)
  local id, fence = unpack(item)
  local state, held, woken, replays, epoch, parked, owner, deadline, unwinding, cause = unpack(redis.call('HMGET',
    job_key(id), 'state', 'fence', 'woken', 'replays', 'epoch', 'parked', 'owner', 'deadline', 'unwinding', 'cause'))
  if state ~= 'running' or tonumber(held) ~= fence then
    return { 'lost', now, 0, 0, 0, 0, '', 0, {}, '', '' }
  end
  local left = deadline and not unwinding and math.max(whole(deadline, 'deadline') - now, 1) or 0
  return { 'ok', now, whole(woken or '0', 'woken'), whole(replays or '0', 'replays'), whole(epoch or '0', 'epoch'),
    whole(parked or '0', 'parked'), owner or '', left, redis.call('HGETALL', steps_key(id)), unwinding or '',
    cause or '' }
end

return cmsgpack.pack(for_each(items, read))
