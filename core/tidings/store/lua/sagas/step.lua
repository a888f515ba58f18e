#!lua flags=allow-oom
-- Writes what becomes of the steps of running sagas into their journals.
--
-- Atomic, because a step, what the saga owes for it and the event must be one; and only the holder of the fence may
-- write, so that a worker that was taken for dead changes nothing. What a worker sends twice, because the reply was
-- lost, counts once.
--
-- The journal of a job is the hash `steps:<id>`: for each step under its path the head (JSON), under `<path>:in` its
-- input, under `<path>:out` its result or problem, under `<path>:undone` what came of its undoing; and under
-- `signal:<name>:<n>` the values of the signals that have come.
--
-- args = { partition, max_steps, max_bytes, items }
--   item: a map of what is not the default; all but the first four may be missing:
--     { id, fence, path, head, input, outcome, due_ms, ended, signal, tail, undone }
--     head: JSON text without its closing brace: `began`, `ended`, `due` and `order` are added here;
--     input, outcome: JSON text; without it what is there stays; due_ms: from now until its timer, if it has one;
--     ended: 1 if the step has ended; signal: `<name>:<n>`, whose value is wanted if it has come;
--     tail: of its event, if it has one; undone: JSON text of why its undoing failed.
-- Reply: MessagePack array with for each item { answer, now_ms, woken, owner, remaining_ms, signal }
--   answer: 'ok', 'cancel' (written, and the job is to stop), 'lost' (another attempt has the job),
--   'long' (the journal is full; nothing is written); woken: how often something has woken the job; remaining_ms: until
--   the job's deadline, 0 if there is none; signal: its value as JSON text, or ''.
-- O(items).

local partition, max_steps, max_bytes, items = unpack(args)

local function number_in(head, name)
  return tonumber(head and string.match(head, '"' .. name .. '":(%d+)'))
end
local function owes(head)
  return head and string.find(head, '"owes":1', 1, true) and 1 or 0
end

local FIELDS = { 'state', 'fence', 'seq', 'watchers', 'cancel', 'woken', 'owner', 'deadline', 'steps', 'steps_bytes',
  'owed', 'ordinal', 'unwinding', 'counted' }

-- Returns the head with its times, and the ordinal that is used by then.
local function complete(item, old, ordinal)
  local whole, due = item.head .. ',"began":' .. (number_in(old, 'began') or now), item.due_ms or -1
  if due >= 0 then whole = whole .. ',"due":' .. string.format('%.0f', now + due) end
  if item.ended == 1 then
    local order = number_in(old, 'order')
    if not order then
      ordinal = ordinal + 1
      order = ordinal
    end
    whole = whole .. ',"ended":' .. (number_in(old, 'ended') or now) .. ',"order":' .. order
  end
  return whole .. '}', ordinal
end

-- Counts a saga at its first step, among those that run on its version of its kind; its end takes it out (lib/saga.lua).
local function count_saga(job)
  local kind, version = unpack(redis.call('HMGET', job_key(job.id), 'kind', 'version'))
  local line = (kind or '') .. '@' .. (version or 1)
  redis.call('SADD', sagas_of_key(line), job.id)
  redis.call('HSET', sagas_key, line, now)
  redis.call('HSET', job_key(job.id), 'counted', line)
  job.counted = line
end

-- Writes a step into the journal of its saga; old: its head before, false if it is new.
local function write_step(job, item, old)
  local path, input, outcome, tail, undone = item.path, item.input or '', item.outcome or '', item.tail, item.undone or ''
  local text, ordinal = complete(item, old, whole(job.ordinal or '0', 'ordinal'))
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
  redis.call('HSET', steps_key(job.id), unpack(fields))
  if not job.counted then count_saga(job) end
  if tail and tail ~= '' then
    job.seq = job.seq + 1
    tell(job, partition, CHANGE, tail)
  end
  redis.call('HSET', job_key(job.id), 'saga', 1, 'seq', job.seq, 'ordinal', ordinal, 'steps', job.steps + (old and 0 or 1),
    'steps_bytes', job.steps_bytes + #text - (old and #old or 0) + #input + #outcome,
    'owed', count_in(job.owed) + owes(text) - owes(old))
end

local function write(item)
  local id, fence, path, head, signal = item.id, item.fence, item.path, item.head, item.signal or ''
  local job, journal = load_job(id, FIELDS), steps_key(id)
  local old = redis.call('HGET', journal, path)
  job.steps, job.steps_bytes = whole(job.steps or '0', 'steps'), whole(job.steps_bytes or '0', 'steps_bytes')
  if job.state ~= RUNNING or tonumber(job.fence) ~= fence then return { 'lost', now, 0, '', 0, '' } end
  job.seq = check_record(job.state, job.seq)
  if not old and (job.steps >= max_steps or job.steps_bytes >= max_bytes) then return { 'long', now, 0, '', 0, '' } end
  if not old or string.sub(old, 1, #head) ~= head then write_step(job, item, old) end
  local value = signal ~= '' and redis.call('HGET', journal, 'signal:' .. signal) or ''
  return { job.cancel and 'cancel' or 'ok', now, whole(job.woken or '0', 'woken'), job.owner or '',
    ms_left(job.deadline, job.unwinding), value }
end

local replies = for_each(items, write)
conclude()
return cmsgpack.pack(replies)
