#!lua flags=allow-oom
-- Writes what becomes of the steps of running sagas into their journals.
--
-- Atomic, because a step, what the saga owes for it and the event must be one; and only the holder of the
-- fence may write, so that a worker that was taken for dead changes nothing. What is sent twice, because its
-- reply was lost, counts once.
--
-- The journal of a job is the hash `steps:<id>`: for each step under its path the head (JSON), under
-- `<path>:in` its input, under `<path>:out` its result or problem, under `<path>:undone` what came of its
-- undoing; and `signal:<name>:<n>`, the values of
-- the signals that have come.
--
-- args = { partition, max_steps, max_bytes, items }
--   item = { id, fence, path, head, input, outcome, due_ms, ended, signal, tail, undone }
--     head: JSON text without its closing brace: `began`, `ended`, `due` and `order` are added here;
--     input, outcome: JSON text, '' leaves what is there; due_ms: from now until its timer, -1: it has none;
--     ended: 1 if the step has ended; signal: `<name>:<n>` to be told whether that has come, or '';
--     tail: of its event, or '' for none; undone: JSON text of why its undoing failed, or ''.
-- Reply: MessagePack array with for each item { answer, now_ms, woken, owner, remaining_ms, signal }
--   answer: 'ok', 'cancel' (written, and someone asked that the job stop), 'lost' (not this attempt's job any
--   more), 'long' (the journal is full; nothing is written); woken: how often the job has been woken; remaining_ms:
--   until the job's deadline, 0 if there is none; signal: its value as JSON text, or ''.
-- O(items).

local partition, max_steps, max_bytes, items = unpack(args)

local function number_in(head, name)
  return tonumber(head and string.match(head, '"' .. name .. '":(%d+)'))
end
local function owes(head)
  return head and string.find(head, '"owes":1', 1, true) and 1 or 0
end

-- Returns the head with its times, and the ordinal that is used by then.
local function complete(head, old, due, ended, ordinal)
  local whole = head .. ',"began":' .. (number_in(old, 'began') or now)
  if due >= 0 then whole = whole .. ',"due":' .. string.format('%.0f', now + due) end
  if ended == 1 then
    local order = number_in(old, 'order')
    if not order then
      ordinal = ordinal + 1
      order = ordinal
    end
    whole = whole .. ',"ended":' .. (number_in(old, 'ended') or now) .. ',"order":' .. order
  end
  return whole .. '}', ordinal
end

local function write(item)
  local id, fence, path, head, input, outcome, due, ended, signal, tail, undone = unpack(item)
  local key, journal = job_key(id), steps_key(id)
  local state, held, seq, watchers, cancel, woken, owner, deadline, steps, bytes, owed, ordinal, unwinding =
    unpack(redis.call('HMGET', key, 'state', 'fence', 'seq', 'watchers', 'cancel', 'woken', 'owner', 'deadline', 'steps',
      'steps_bytes', 'owed', 'ordinal', 'unwinding'))
  local old = redis.call('HGET', journal, path)
  steps, bytes = whole(steps or '0', 'steps'), whole(bytes or '0', 'steps_bytes')
  if state ~= 'running' or tonumber(held) ~= fence then return { 'lost', now, 0, '', 0, '' } end
  seq = check_record(state, seq)
  if not old and (steps >= max_steps or bytes >= max_bytes) then return { 'long', now, 0, '', 0, '' } end
  if not old or string.sub(old, 1, #head) ~= head then
    local text
    text, ordinal = complete(head, old, due, ended, whole(ordinal or '0', 'ordinal'))
    local fields = { path, text }
    if input ~= '' then
      fields[3], fields[4] = path .. ':in', input
    end
    if outcome ~= '' then
      fields[#fields + 1] = path .. ':out'
      fields[#fields + 1] = outcome
    end
    if undone ~= '' then
      fields[#fields + 1] = path .. ':undone'
      fields[#fields + 1] = undone
    end
    redis.call('HSET', journal, unpack(fields))
    if tail ~= '' then
      seq = seq + 1
      tell(watchers, partition, id, seq, CHANGE, tail)
    end
    redis.call('HSET', key, 'saga', 1, 'seq', seq, 'ordinal', ordinal, 'steps', steps + (old and 0 or 1),
      'steps_bytes', bytes + #text - (old and #old or 0) + #input + #outcome,
      'owed', count_in(owed) + owes(text) - owes(old))
  end
  local value = signal ~= '' and redis.call('HGET', journal, 'signal:' .. signal) or ''
  local left = deadline and not unwinding and math.max(whole(deadline, 'deadline') - now, 1) or 0
  return { cancel and 'cancel' or 'ok', now, whole(woken or '0', 'woken'), owner or '', left, value }
end

local replies = for_each(items, write)
conclude()
return cmsgpack.pack(replies)
