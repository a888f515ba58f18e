#!lua flags=allow-oom
-- Tells a batch of sagas how their children have ended: each end is in the parent's journal when this returns, and a
-- parent that waits is queued.
--
-- Atomic, because the attempt that is leaving must see the end of a child, or the end must wake the saga that has left.
-- A worker may tell it any number of times: the first counts.
--
-- args = { partition, items };  item = { id, path, child, ok, unknown, outcome }
--   path: of the step, with `u` at its end where the child undid it; child: its token;
--   ok: 1 if it succeeded; unknown: 1 if it did not, and what it has done is not known; outcome: JSON text of its result
--   or problem.
-- Reply: MessagePack array with for each item 'ok', 'done' (it was known), or 'gone' (the parent, or that step
--   of it, is no more). O(items).

local partition, items = unpack(args)

local function tail_of(head, path, outcome, state)
  local data = { name = head.name, path = path, type = head.type, status = head.status, child = head.child,
    undo_child = head.undo_child }
  local text = cjson.encode(data)
  if not head.ok or head.status == 'compensation_failed' then
    text = string.sub(text, 1, -2) .. ',"problem":' .. outcome .. '}'
  end
  return '"event":"step","status":"' .. state .. '","data":' .. text .. '}'
end

local function record_end(head, ok, unknown)
  head.status = ok == 1 and 'succeeded' or 'failed'
  head.ok = ok == 1
  if ok == 0 and unknown == 1 then head.unknown = true end
  if not head.undo or (ok == 0 and unknown == 0) then head.owes = nil end
  head.ended = now
end

local FIELDS = { 'state', 'seq', 'watchers', 'tier', 'worker', 'awaits', 'owed', 'ordinal' }

local function tell_parent(item)
  local id, path, child, ok, unknown, outcome = unpack(item)
  local key, journal, job = job_key(id), steps_key(id), load_job(id, FIELDS)
  local state = job.state
  local undoing = string.sub(path, -1) == 'u'
  if undoing then path = string.sub(path, 1, -2) end
  local text = state and not terminal(state) and redis.call('HGET', journal, path)
  local head = text and cjson.decode(text)
  if not head or (undoing and head.undo_child or head.child) ~= child then return 'gone' end
  if head.status ~= (undoing and 'compensating' or 'running') then return 'done' end
  job.seq = check_record(state, job.seq) + 1
  local ordinal = whole(job.ordinal or '0', 'ordinal')
  local owed_before = head.owes or 0
  if undoing then
    head.status = ok == 1 and 'compensated' or 'compensation_failed'
    if ok == 1 then head.owes = nil end
  else
    record_end(head, ok, unknown)
    head.order = ordinal + 1
  end
  redis.call('HSET', journal, path, cjson.encode(head), path .. (undoing and ':undone' or ':out'), outcome)
  tell(job, partition, CHANGE, tail_of(head, path, outcome, state))
  redis.call('HSET', key, 'seq', job.seq, 'ordinal', ordinal + 1,
    'owed', count_in(job.owed) - owed_before + (head.owes or 0))
  wake(job, partition)
  return 'ok'
end

local replies = for_each(items, tell_parent)
conclude()
return cmsgpack.pack(replies)
