#!lua flags=allow-oom
-- Reads the journals of a batch of running sagas.
--
-- Atomic, because what is read, and how often the job had been woken, must be of the same moment: whatever wakes it from
-- then on is news.
--
-- args = { items };  item = { id, fence }
-- Reply: MessagePack array with for each item { answer, now_ms, woken, replays, epoch, parked, owner, remaining_ms,
--   fields, unwinding, cause }
--   answer: 'ok', or 'lost' (another attempt has the job); replays: how often its dead letter was replayed;
--   epoch: how often it began again; parked: the fence of the last attempt that left to wait, 0: nothing woke the job
--   since; fields: names and values of the journal (step.lua), one after the other;
--   unwinding: of a saga that has to undo its work why: 'failed', 'cancelled' or 'expired', else '';
--   cause: the problem that caused it, as JSON text, or ''.
-- O(items · fields).

local items = unpack(args)

local FIELDS = { 'state', 'fence', 'woken', 'replays', 'epoch', 'parked', 'owner', 'deadline', 'unwinding', 'cause' }

local function read(item)
  local id, fence = unpack(item)
  local job = load_job(id, FIELDS)
  if job.state ~= RUNNING or tonumber(job.fence) ~= fence then
    return { 'lost', now, 0, 0, 0, 0, '', 0, {}, '', '' }
  end
  local function number(name) return whole(job[name] or '0', name) end
  return { 'ok', now, number('woken'), number('replays'), number('epoch'), number('parked'), job.owner or '',
    ms_left(job.deadline, job.unwinding), redis.call('HGETALL', steps_key(id)), job.unwinding or '', job.cause or '' }
end

return cmsgpack.pack(for_each(items, read))
