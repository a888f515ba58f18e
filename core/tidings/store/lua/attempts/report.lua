#!lua flags=allow-oom
-- Writes what running attempts report: progress, log chunks, chunks of streams, and how they ended.
--
-- Atomic, because the outcome, its event and the acknowledgement of the entry must be one step: there is no moment at
-- which a crash loses a job or records two results. A report under another fence than the record's is refused and
-- changes nothing. Reports of one attempt are numbered, so that a report that is sent twice (its reply was lost)
-- counts once.
--
-- args = { partition, max_log_bytes, max_stream_bytes, result_ttl_ms, max_dead, finished_kept, compact, items }
--   compact: 1: jobs that succeed get a compact record where they can have one (lib/records.lua);
--   item = { id, fence, number, events, has_streams, outcome, history }; the last two may be missing
--     events: class, data, class, data …; data: the JSON text of progress or of a log chunk;
--     has_streams: whether there is something of streams among them; the events are then { { class, data } … }, or
--       { STREAM, name, attempt, index, bytes, chunks }: more chunks, JSON texts, the first of which has that index; or
--       { KEEP, name, attempt, kept, bytes }: the attempt adopts the first chunks of what an earlier one said; bytes: of
--       the chunks as JSON
--     outcome: missing if the attempt goes on; of a job that succeeds its result, JSON text, or the number of one that is
--       large; or a map of what is not the default, of which all but `state` may be missing:
--       { state, field, value, event, data, delay_ms, uncounted, note, woken, awaits, compensation, held, unserved }
--       state: what the job becomes: terminal, 'scheduled' (a retry, after delay_ms) or 'queued' (handed back);
--       unserved: { kind, version } of a job that is handed back because the worker does not serve it: it waits for one
--         that does (lib/waiting/unserved.lua);
--       field: 'result' or 'problem'; value: its JSON text (of a retry, the problem that goes into the history). It is
--         the last member of the event's data too;
--       event: the event's name, where it is not the state's; data: the other members of its data, without braces;
--       uncounted: 1 if the attempt must not count; note: JSON text kept with a dead letter;
--       of an attempt that leaves to wait ('waiting'): delay_ms until its timer, -1 if it has none; woken: how often
--         the job had been woken when the attempt last looked; awaits: the signals it waits for, each between spaces;
--       code: of a saga that is to be held ('waiting', with the problem in `held`), the digest of the code that does not
--         fit it (lib/saga.lua);
--       compensation: of a saga that has undone its work 'complete' or 'incomplete';
--       held: the breaker that it waits for in the schedule.
--     history: what the history of finished jobs holds of the job (lib/events/history.lua); missing: it is read.
-- A saga that owes something (lib/saga.lua, `turn`) is queued to unwind instead of ending badly.
-- Reply: MessagePack array { now_ms, answers }: for each item 'ok', 'cancel' (written, and someone asked that the job
--   stop), 'lost' (another attempt has the job), 'done' (it was written before) or 'turned' (it would have ended, and
--   unwinds instead).
-- O(items + events).

local partition, max_log_bytes, max_stream_bytes, ttl, max_dead, kept, compact, items = unpack(args)
place_texts(items, 6, ARGV)
keep_finished(kept)
spare_relays()

-- What is read of a job: while it goes on; when its attempt ends; and then also what groups follow and the history of
-- finished jobs holds, if the worker has not said it. The store looks through a whole record for a field that is missing.
local FIELDS = { 'state', 'fence', 'seq', 'watchers', 'reported', 'logged', 'cancel', 'streams' }
local FIELDS_OF_ATTEMPT = { 'state', 'fence', 'seq', 'watchers', 'tier', 'entry', 'reported', 'logged', 'cancel', 'caller',
  'unique', 'saga', 'limit', 'size', 'deadline', 'streams' }
local FIELDS_AT_END = { 'state', 'fence', 'seq', 'watchers', 'tier', 'entry', 'reported', 'logged', 'cancel', 'caller',
  'unique', 'saga', 'limit', 'size', 'deadline', 'streams', 'kind', 'attempt', 'submitted', 'enqueued', 'started', 'worker',
  'correlation_id', 'owner', 'tags' }

-- The fields of a record that a compact one keeps, or that say nothing once the job has ended. A record with others stays
-- a hash: that of a saga, of a job with webhooks, streams, memoised steps or a history of failed attempts.
local KEPT_OR_SPENT = {
  state = 1, fence = 1, seq = 1, watchers = 1, tier = 1, entry = 1, worker = 1, call = 1, reported = 1, logged = 1,
  log_from = 1, caller = 1, unique = 1, limit = 1, size = 1, shed = 1, deadline = 1, kind = 1, version = 1, attempt = 1,
  submitted = 1, enqueued = 1, dequeued = 1, started = 1, correlation_id = 1, traceparent = 1, owner = 1, tags = 1,
  progress = 1,
}

-- Reads a job that may get a compact record, whole: that costs less than to ask for each field by its name. nil: it has
-- a compact record, or none.
local function load_whole(id)
  local found, job = redis.pcall('HGETALL', job_key(id)), { id = id, correlation_id = false, is_plain = true }
  if not found[1] then return nil end
  for i = 1, #found, 2 do
    local name = found[i]
    job[name] = found[i + 1]
    if not KEPT_OR_SPENT[name] then job.is_plain = false end
  end
  if job.started ~= job.dequeued or not job.kind or not job.tier then job.is_plain = false end
  return job
end

-- Reads a job. Its names are written out, unlike `load_job`, since a table whose size is known costs the store less:
-- every job comes through here. outcome: nil if its attempt goes on; history: nil if what the history needs is to be read.
local function load(id, outcome, history)
  if not outcome then
    local found = read_fields(id, FIELDS)
    return { id = id, state = found[1], fence = found[2], seq = found[3], watchers = found[4], reported = found[5],
      logged = found[6], cancel = found[7], streams = found[8] }
  end
  local whole_job = compact == 1 and outcome.state == SUCCEEDED and load_whole(id)
  if whole_job then
    whole_job.history = history
    return whole_job
  end
  if followed or finished_kept > 0 and not history then
    local job = load_job(id, FIELDS_AT_END)
    job.history = history
    return job
  end
  local found = read_fields(id, FIELDS_OF_ATTEMPT)
  return { id = id, state = found[1], fence = found[2], seq = found[3], watchers = found[4], tier = found[5],
    entry = found[6], reported = found[7], logged = found[8], cancel = found[9], caller = found[10],
    unique = found[11], saga = found[12], limit = found[13], size = found[14], deadline = found[15],
    streams = found[16], history = history }
end

-- A number as the compact record holds it. Errors: it is none, and the record stays a hash.
local function number_in(value)
  local number = tonumber(value)
  if not number or tostring(number) ~= tostring(value) then error('no number', 0) end
  return number
end

-- Returns the compact record of a job that succeeds; fields: names and values that change with its end.
local function compact_text(job, fields)
  for i = 1, #fields, 2 do job[fields[i]] = fields[i + 1] end
  if job.logged then job.logged, job.log_from = unpack(redis.call('HMGET', job_key(job.id), 'logged', 'log_from')) end
  local submitted = number_in(job.submitted)
  local row = { COMPACT_FORM, job.kind, job.tier, number_in(job.seq), number_in(job.attempt), number_in(job.fence),
    number_in(job.reported), submitted, number_in(job.enqueued) - submitted, number_in(job.started) - submitted, now - submitted,
    job.result or '', job.caller or '', job.owner and (job.owner == job.caller or job.owner) or '', job.tags or '',
    job.correlation_id or '', job.traceparent or '', job.progress or '', job.version or '', job.deadline or '',
    job.logged or '', job.log_from or '' }
  local last = #row
  while row[last] == '' do
    row[last] = nil
    last = last - 1
  end
  return cmsgpack.pack(row)
end

-- A log past its size loses its older half. A client that asks for that part learns that it is truncated.
local function trim(id, bytes)
  if bytes <= max_log_bytes then return bytes end
  local log = log_key(id)
  redis.call('XTRIM', log, 'MAXLEN', math.floor(redis.call('XLEN', log) / 2))
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  redis.call('HSET', job_key(id), 'log_from', first and string.match(first[1], '^%d+') or 0)
  return math.floor(bytes / 2)
end

-- Writes and publishes what a handler said; returns the newest progress, if there is any.
local function write_events(job, events, has_streams)
  local before = job.logged and count_in(job.logged) or 0
  local bytes, progress = before, nil
  for i = 1, #events, has_streams and 1 or 2 do
    local class, data, event = events[i], events[i + 1], nil
    if has_streams then
      event = class
      class, data = event[1], event[2]
    end
    if class > LOG then
      write_stream(job, partition, event, max_stream_bytes)
    else
      job.seq = job.seq + 1
      if class == LOG then
        redis.call('XADD', log_key(job.id), job.seq .. '-0', 'at', now, 'chunk', data)
        bytes = trim(job.id, bytes + #data)
      else
        progress = data
      end
      if job.watchers or followed then tell(job, partition, class, data_tail(class == LOG and 'log' or 'progress', RUNNING, data)) end
    end
  end
  if bytes ~= before then redis.call('HSET', job_key(job.id), 'logged', bytes) end
  job.logged = bytes > 0
  return progress
end

-- Publishes an outcome. Its value stands in the frame and in the record, and comes here once.
local function tell_outcome(job, class, outcome)
  if not (job.watchers or followed) then return end
  local state, event, data = outcome.state, outcome.event or outcome.state, outcome.data or ''
  if (outcome.field or '') == '' then
    tell(job, partition, class, data_tail(event, state, '{' .. data .. '}'))
  else
    tell(job, partition, class, value_tail(event, state, data, outcome.field, outcome.value))
  end
end

-- A letter holds the whole record beside the envelope and the note, so that the job can be replayed when its record has
-- left. Memoised steps go packed into one field: there may be thousands, and Lua's unpack is bounded.
local function bury(id, envelope, note)
  local letter, memoised = { 'id', id, 'env', envelope, 'note', note }, {}
  local record = redis.call('HGETALL', job_key(id))
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
  redis.call('HSET', job_key(id), 'letter', redis.call('XADD', dead_key, 'MAXLEN', '~', max_dead, '*', unpack(letter)))
end

-- Adds a job to those that wait for a breaker, by when they are due by themselves. Jobs whose time has come have left.
local function wait_for(breaker, id, due)
  local row = held_key(breaker)
  redis.call('ZREMRANGEBYSCORE', row, '-inf', now)
  redis.call('ZADD', row, due, id)
  redis.call('PEXPIRE', row, 86400000)
end

-- Notes that a saga is held; code: the digest of what does not fit it. So that it is tried by each code once, however
-- many there are, none tries it any more after MOST_CODES.
local MOST_CODES = 8
local function hold_saga(job, code, problem)
  local key = job_key(job.id)
  local kind, version, before = unpack(redis.call('HMGET', key, 'kind', 'version', 'held_in'))
  local codes = string.match(before or '', '!(.+)$') or code
  local _, more = string.gsub(codes, ',', '')
  if codes ~= '*' and not string.find(',' .. codes .. ',', ',' .. code .. ',', 1, true) then
    codes = more + 1 < MOST_CODES and codes .. ',' .. code or '*'
  end
  local line = line_of(job.tier, kind or '', tonumber(version) or 1) .. '!' .. codes
  if before and before ~= line then leave_hold(job.id, before) end
  redis.call('HSET', key, 'held', problem, 'held_in', line)
  redis.call('ZADD', held_sagas_of_key(line), now * 1000, job.id)
  redis.call('HSETNX', held_sagas_key, line, now)
  name_line(line)
end

-- Leaves a saga waiting until something wakes it, its timer has come or its deadline passes; unless something that its
-- attempt has not seen has woken it meanwhile. One that is held waits for none of these but its deadline.
-- That the attempt left properly shows that the job is not what kills workers: those lost before count no longer.
local function park(job, outcome, envelope)
  local id, key, code = job.id, job_key(job.id), outcome.code
  local woken, deadline, unwinding, lost = unpack(redis.call('HMGET', key, 'woken', 'deadline', 'unwinding', 'lost'))
  acknowledge(job.tier, job.entry)
  redis.call('HINCRBY', key, 'attempt', -1 - count_in(lost))
  redis.call('HDEL', key, 'worker', 'entry')
  if not code and tonumber(woken or 0) ~= (outcome.woken or 0) then
    redis.call('HSET', key, 'lost', 0, 'parked', job.fence)
    enqueue(id, job.tier, envelope)
    tell(job, partition, CHANGE, bare_tail(QUEUED))
    return
  end
  -- One that is held has not come to the children whose steps run: whether they were submitted is not known.
  redis.call('HSET', key, 'state', WAITING, 'envelope', envelope, 'lost', 0, 'parked', code and 0 or job.fence, 'awaits',
    code and HELD or outcome.awaits or '')
  if code then hold_saga(job, code, outcome.value) end
  local delay = outcome.delay_ms or 0
  local due = delay >= 0 and now + delay or nil
  if deadline and not unwinding then due = math.min(due or tonumber(deadline), tonumber(deadline)) end
  if due then schedule(id, due) end
  tell_outcome(job, CHANGE, outcome)
end

-- A job that this worker does not serve stays queued; it has given up its place of a limit by now.
local function hand_on(job, unserved)
  local key = job_key(job.id)
  redis.call('HINCRBY', key, 'attempt', -1)
  redis.call('HDEL', key, 'worker')
  redis.call('HSET', key, 'state', QUEUED, 'enqueued', now)
  job.limit = nil
  wait_in_line(job, unserved[1], unserved[2])
end

-- Ends a job. envelope: of a job that failed, what its dead letter holds; false: it gets no letter.
local function settle(job, outcome, fields, envelope)
  local id, note, compensation = job.id, outcome.note or '', outcome.compensation or ''
  if envelope then remember(id, 'failed', outcome.value) end
  if job.saga then
    local key = job_key(id)
    local unwinding, cause_note = unpack(redis.call('HMGET', key, 'unwinding', 'cause_note'))
    if note == '' then note = cause_note or '' end
    -- Someone asked for the end, and it is as they asked: operators get no letter.
    if compensation == 'complete' and unwinding ~= FAILED then envelope = false end
    if unwinding and compensation == '' then -- there was nothing to undo: it ends, and is replayed, as any job
      redis.call('HDEL', key, 'unwinding', 'cause', 'cause_note')
    elseif compensation ~= '' then
      fields[#fields + 1] = 'compensation'
      fields[#fields + 1] = compensation
    end
  end
  acknowledge(job.tier, job.entry)
  if (outcome.field or '') ~= '' then
    fields[#fields + 1] = outcome.field
    fields[#fields + 1] = outcome.value
  end
  if job.is_plain and not job.streams then
    local fits, text = pcall(compact_text, job, fields)
    if fits then job.compact = text end
  end
  finish(job, outcome.state, fields, ttl)
  if envelope then bury(id, envelope, note) end
  tell_outcome(job, FINAL, outcome)
end

-- Puts a job that has not ended into the schedule or the queue.
local function put_back(job, outcome, envelope)
  local id, key, delay = job.id, job_key(job.id), outcome.delay_ms or 0
  local is_retry, is_uncounted = outcome.state == SCHEDULED, outcome.uncounted == 1
  if is_retry and not is_uncounted then remember(id, 'retrying', outcome.value) end
  if outcome.unserved then
    hand_on(job, outcome.unserved)
    tell_outcome(job, CHANGE, outcome)
    return
  end
  acknowledge(job.tier, job.entry)
  if is_uncounted then redis.call('HINCRBY', key, 'attempt', -1) end
  redis.call('HDEL', key, 'worker', 'entry')
  if is_retry then
    redis.call('HSET', key, 'state', SCHEDULED, 'envelope', envelope)
    schedule(id, now + delay)
    if (outcome.held or '') ~= '' then wait_for(outcome.held, id, now + delay) end
  else
    enqueue(id, job.tier, envelope, job.caller)
  end
  tell_outcome(job, CHANGE, outcome)
end

-- Writes how an attempt ended; fields: what is written with it. Returns whether the job turns.
local function end_attempt(job, outcome, fields)
  local turned = terminal(outcome.state) and turn(job, outcome.state, outcome.value, outcome.note)
  if turned then
    if outcome.state == FAILED then remember(job.id, 'failed', outcome.value) end
    outcome.state, outcome.field, outcome.event, outcome.data = QUEUED, nil, nil, '"unwinding":true'
  end
  local ends = terminal(outcome.state)
  local envelope = (outcome.state == FAILED or not ends) and envelope_in(job.tier, job.entry)
  if envelope == '' then
    -- The store has lost its entry: a job that was to run again has nothing to run, and no letter could replay it.
    if not ends then
      ends, outcome.state, outcome.field, outcome.value, outcome.event, outcome.data = true, FAILED, 'problem', VANISHED
    end
    envelope = false
  end
  if ends then
    settle(job, outcome, fields, envelope)
    return false
  end
  redis.call('HSET', job_key(job.id), unpack(fields))
  if job.limit then leave_limit(job.limit, job.id) end
  if outcome.state == WAITING then
    park(job, outcome, envelope)
    return false
  end
  put_back(job, outcome, envelope)
  return turned
end

local function write(item)
  local id, fence, number, events, has_streams, outcome, history = unpack(item)
  if type(outcome) == 'string' then outcome = { state = SUCCEEDED, field = 'result', value = outcome } end
  local job = load(id, outcome, history)
  if job.fence and tonumber(job.fence) == fence and count_in(job.reported) >= number then return 'done' end
  if not job.state or tonumber(job.fence) ~= fence or job.state ~= RUNNING then return 'lost' end
  if outcome and not may(job.state, outcome.state) then
    error('ILLEGAL ' .. job.state .. ' to ' .. tostring(outcome.state), 0)
  end
  if outcome and job.cancel and not terminal(outcome.state) then outcome = { state = CANCELLED } end
  job.seq = check_record(job.state, job.seq)
  -- The store has lost what the attempt said before: another attempt has to say it again.
  if has_streams and not continues_streams(job, events) then return 'lost' end
  local progress = write_events(job, events, has_streams)
  if outcome and outcome.state == SUCCEEDED and job.streams then
    void_others(job, partition, redis.call('HGET', job_key(id), 'attempt'))
  end
  if outcome then job.seq = job.seq + 1 end
  local fields = { 'seq', job.seq, 'reported', number }
  if progress then
    fields[5], fields[6] = 'progress', progress
  end
  if job.stream_states then
    job.streams = true -- there are some: they expire with the job
    fields[#fields + 1] = 'streams'
    fields[#fields + 1] = cmsgpack.pack(job.stream_states)
  end
  local turned = false
  if outcome then
    turned = end_attempt(job, outcome, fields)
  else
    redis.call('HSET', job_key(id), unpack(fields))
  end
  return turned and 'turned' or job.cancel and 'cancel' or 'ok'
end

local replies = for_each(items, write)
conclude()
return cmsgpack.pack({ now, replies })
