#!lua flags=allow-oom
-- Writes what running attempts report: progress, log chunks, and how they ended.
--
-- Atomic, because the outcome, its event and the acknowledgement of the entry must be one step:
-- there is no moment at which a crash loses a job or records two results. A report under another
-- fence than the record's is refused and changes nothing. Reports of one attempt are numbered, so
-- that one sent twice (its reply was lost) counts once.
--
-- args = { partition, max_log_bytes, result_ttl_ms, max_dead, keep, items }
--   item = { id, fence, number, progress, events, outcome }
--     progress: the newest, as JSON text, or ''
--     events: { { class, tail, chunk } … }; chunk is the JSON text of a log chunk, else ''
--     outcome: false, or { state, field, value, tail, delay_ms, uncounted, note, woken, awaits, compensation,
--         held }
--       state: what the job becomes: terminal, 'scheduled' (a retry, after delay_ms) or 'queued'
--         (handed back; with a delay_ms: no worker here serves its kind, and it steps aside so long); field: 'result', 'problem' or ''; value: its JSON text (of
--         a retry, the problem that goes into the history);
--       uncounted: 1 if the attempt must not count; note: JSON text kept with a dead letter;
--       of one that leaves to wait ('waiting'): delay_ms until its timer, -1 if it has none; woken: how often
--       it had been woken when it last looked; awaits: the signals it waits for, each between spaces;
--       compensation: of a saga that has undone its work 'complete', or 'incomplete', else '';
--       held: the breaker it waits for in the schedule, or ''.
-- A saga that owes something (prelude, `turn`) is queued to unwind instead of ending badly.
-- Reply: MessagePack array { now_ms, answers }: for each item 'ok', 'cancel' (written, and someone asked that the job
--   stop), 'lost' (not this attempt's job any more), 'done' (it had been written before) or 'turned' (it would have
--   ended, and unwinds instead).
-- O(items + events).

local partition, max_log_bytes, ttl, max_dead, kept, items = unpack(args)
keep = kept
nudges = false

-- What is read of a job; of one that may end also what its story in the chronicle needs (prelude, `story`).
local FIELDS = { 'state', 'fence', 'seq', 'watchers', 'tier', 'entry', 'reported', 'logged', 'cancel', 'caller', 'unique',
  'saga', 'limit', 'size', 'deadline' }
local FIELDS_AT_END = { 'state', 'fence', 'seq', 'watchers', 'tier', 'entry', 'reported', 'logged', 'cancel', 'caller',
  'unique', 'saga', 'limit', 'size', 'deadline', 'kind', 'attempt', 'submitted', 'enqueued', 'started', 'correlation_id', 'worker' }

-- A log past its size loses its older half; whoever asks for that part is told it is truncated.
local function trim(id, key, bytes)
  if bytes <= max_log_bytes then return bytes end
  local log = log_key(id)
  redis.call('XTRIM', log, 'MAXLEN', math.floor(redis.call('XLEN', log) / 2))
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  redis.call('HSET', key, 'log_from', first and string.match(first[1], '^%d+') or 0)
  return math.floor(bytes / 2)
end

local function write_events(id, key, seq, watchers, logged, events)
  local bytes = logged
  for _, event in ipairs(events) do
    local class, tail, chunk = unpack(event)
    seq = seq + 1
    if class == LOG then
      redis.call('XADD', log_key(id), seq .. '-0', 'at', now, 'chunk', chunk)
      bytes = trim(id, key, bytes + #chunk)
    end
    tell(watchers, partition, id, seq, class, tail)
  end
  if bytes ~= logged then redis.call('HSET', key, 'logged', bytes) end
  return seq, bytes
end

-- A letter holds the whole record beside the envelope and the note, so that the job can be replayed when
-- its record has left. Memoised steps go packed into one field: there may be thousands, and Lua's unpack
-- is bounded.
local function bury(id, key, envelope, note)
  local letter, memoised = { 'id', id, 'env', envelope, 'note', note }, {}
  local record = redis.call('HGETALL', key)
  for j = 1, #record, 2 do
    local into = string.sub(record[j], 1, 5) == 'once:' and memoised or letter
    into[#into + 1] = record[j]
    into[#into + 1] = record[j + 1]
  end
  if #memoised > 0 then
    letter[#letter + 1] = 'once'
    letter[#letter + 1] = cmsgpack.pack(memoised)
  end
  local steps = redis.call('HGETALL', steps_key(id))
  if #steps > 0 then
    letter[#letter + 1] = 'steps'
    letter[#letter + 1] = cmsgpack.pack(steps)
  end
  redis.call('HSET', key, 'letter', redis.call('XADD', dead_key, 'MAXLEN', '~', max_dead, '*', unpack(letter)))
end

-- The row of those that wait for a breaker, by when they are due by themselves: those whose time has come have left.
local function wait_for(breaker, id, due)
  local row = held_key(breaker)
  redis.call('ZREMRANGEBYSCORE', row, '-inf', now)
  redis.call('ZADD', row, due, id)
  redis.call('PEXPIRE', row, 86400000)
end

-- Leaves a saga waiting until it is woken, its timer has come or its deadline passes; unless something that
-- it has not seen yet has woken it meanwhile.
-- That it left properly shows that it is not what kills workers: those lost before do not count any longer.
local function park(id, key, tier, entry, seq, watchers, fence, outcome, envelope)
  local woken, deadline, unwinding, lost = unpack(redis.call('HMGET', key, 'woken', 'deadline', 'unwinding', 'lost'))
  acknowledge(tier, entry)
  redis.call('HINCRBY', key, 'attempt', -1 - count_in(lost))
  redis.call('HDEL', key, 'worker', 'entry')
  if tonumber(woken or 0) ~= outcome[8] then
    redis.call('HSET', key, 'lost', 0, 'parked', fence)
    enqueue(id, tier, envelope)
    tell(watchers, partition, id, seq, CHANGE, bare_tail('queued'))
    return
  end
  redis.call('HSET', key, 'state', 'waiting', 'envelope', envelope, 'lost', 0, 'parked', fence, 'awaits', outcome[9])
  local due = outcome[5] >= 0 and now + outcome[5] or nil
  if deadline and not unwinding then due = math.min(due or tonumber(deadline), tonumber(deadline)) end
  if due then
    redis.call('ZADD', scheduled_key, due, id)
    redis.call('PUBLISH', channels .. 'due', due)
  end
  tell(watchers, partition, id, seq, CHANGE, outcome[4])
end

-- A job whose kind no worker here serves stays queued, and is offered again after `delay`; its deadline counts.
local function set_aside(id, key, tier, entry, delay)
  local deadline, unwinding = unpack(redis.call('HMGET', key, 'deadline', 'unwinding'))
  local due = now + delay
  if deadline and not unwinding then due = math.min(due, tonumber(deadline)) end
  step_aside(id, tier, entry, false)
  redis.call('HINCRBY', key, 'attempt', -1)
  redis.call('HDEL', key, 'worker')
  redis.call('HSET', key, 'state', 'queued')
  redis.call('ZADD', scheduled_key, due, id)
  redis.call('PUBLISH', channels .. 'due', due)
end

-- fields: what is written beside the outcome. Returns whether the job turns.
local function settle(id, key, tier, entry, seq, watchers, outcome, fields, logged, caller, unique, saga, limit, size,
  deadline, fence)
  local state, field, value, tail, delay, uncounted, note, _, _, compensation, held = unpack(outcome)
  compensation = compensation or ''
  local turned = terminal(state) and turn(id, saga, state, value, note)
  if turned then
    if state == 'failed' then remember(id, 'failed', value) end
    state, tail = 'queued', UNWINDING_TAIL
  end
  local envelope = (state == 'failed' or not terminal(state)) and envelope_in(tier, entry)
  if envelope == '' and not terminal(state) then -- the store has lost its entry: there is nothing to run again
    state, field, value = 'failed', 'problem', VANISHED
    tail = '"event":"failed","status":"failed","data":{"problem":' .. VANISHED .. '}}'
  end
  if envelope == '' then envelope = false end
  if terminal(state) then
    if envelope then remember(id, 'failed', value) end
    if saga then
      local unwinding, cause_note = unpack(redis.call('HMGET', key, 'unwinding', 'cause_note'))
      if note == '' then note = cause_note or '' end
      -- Someone wished it, and it is as they wished: no letter to an operator.
      if compensation == 'complete' and unwinding ~= 'failed' then envelope = false end
      if unwinding and compensation == '' then -- there was nothing to undo: it ends, and is replayed, as any job
        redis.call('HDEL', key, 'unwinding', 'cause', 'cause_note')
      elseif compensation ~= '' then
        fields[#fields + 1] = 'compensation'
        fields[#fields + 1] = compensation
      end
    end
    acknowledge(tier, entry)
    if field ~= '' then
      fields[#fields + 1] = field
      fields[#fields + 1] = value
    end
    finish(id, state, fields, ttl, logged, caller, unique, saga, limit, size, deadline)
    if envelope then bury(id, key, envelope, note) end
    tell(watchers, partition, id, seq, FINAL, tail)
    return false
  end
  redis.call('HSET', key, unpack(fields))
  if limit then release(limit, id) end
  if state == 'waiting' then
    park(id, key, tier, entry, seq, watchers, fence, outcome, envelope)
    return false
  end
  if state == 'scheduled' and uncounted ~= 1 then remember(id, 'retrying', value) end
  if state == 'queued' and delay > 0 then
    set_aside(id, key, tier, entry, delay)
    tell(watchers, partition, id, seq, CHANGE, tail)
    return turned
  end
  acknowledge(tier, entry)
  if uncounted == 1 then redis.call('HINCRBY', key, 'attempt', -1) end
  redis.call('HDEL', key, 'worker', 'entry')
  if state == 'scheduled' then
    redis.call('HSET', key, 'state', state, 'envelope', envelope)
    redis.call('ZADD', scheduled_key, now + delay, id)
    redis.call('PUBLISH', channels .. 'due', now + delay)
    if held and held ~= '' then wait_for(held, id, now + delay) end
  else
    enqueue(id, tier, envelope, caller)
  end
  tell(watchers, partition, id, seq, CHANGE, tail)
  return turned
end

local function write(item)
  local id, fence, number, progress, events, outcome = unpack(item)
  local key = job_key(id)
  local found = redis.call('HMGET', key, unpack(outcome and keep > 0 and FIELDS_AT_END or FIELDS))
  local state, held, seq, watchers, tier, entry, reported, logged, cancel, caller, unique, saga, limit, size,
    deadline = unpack(found)
  story = outcome and found or nil
  if held and tonumber(held) == fence and count_in(reported) >= number then return 'done' end
  if not state or tonumber(held) ~= fence or state ~= 'running' then return 'lost' end
  if outcome and not may(state, outcome[1]) then error('ILLEGAL ' .. state .. ' to ' .. tostring(outcome[1]), 0) end
  if outcome and cancel and not terminal(outcome[1]) then
    outcome = { 'cancelled', '', '', bare_tail('cancelled'), 0, 0, '' }
  end
  local bytes
  seq, bytes = write_events(id, key, check_record(state, seq), watchers, count_in(logged), events)
  if outcome then seq = seq + 1 end
  local fields = { 'seq', seq, 'reported', number }
  if progress ~= '' then
    fields[5], fields[6] = 'progress', progress
  end
  local turned = false
  if outcome then
    turned = settle(id, key, tier, entry, seq, watchers, outcome, fields, bytes > 0, caller, unique, saga, limit, size,
      deadline, fence)
  else
    redis.call('HSET', key, unpack(fields))
  end
  return turned and 'turned' or cancel and 'cancel' or 'ok'
end

local replies = for_each(items, write)
conclude()
return cmsgpack.pack({ now, replies })
