#!lua flags=allow-oom
-- Writes what running attempts report: progress, log chunks, and how they ended.
--
-- Atomic, because the outcome, its event and the acknowledgement of the entry must be one step:
-- there is no moment at which a crash loses a job or records two results. A report under another
-- fence than the record's is refused and changes nothing. Reports of one attempt are numbered, so
-- that one sent twice (its reply was lost) counts once.
--
-- args = { partition, max_log_bytes, result_ttl_ms, max_dead, items }
--   item = { id, fence, number, progress, events, outcome }
--     progress: the newest, as JSON text, or ''
--     events: { { class, tail, chunk } … }; chunk is the JSON text of a log chunk, else ''
--     outcome: false, or { state, field, value, tail, delay_ms, uncounted, note }
--       state: what the job becomes: terminal, 'scheduled' (a retry, after delay_ms) or 'queued'
--         (handed back); field: 'result', 'problem' or ''; value: its JSON text;
--       uncounted: 1 if the attempt must not count; note: JSON text kept with a dead letter.
-- Reply: MessagePack array with for each item 'ok', 'cancel' (written, and someone asked that the job
--   stop), 'lost' (not this attempt's job any more) or 'done' (it had been written before).
-- O(items + events).

local partition, max_log_bytes, ttl, max_dead, items = unpack(args)
local replies = {}

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
  return seq
end

local function bury(id, tier, entry, kind, attempt, submitted, problem, note)
  local found = redis.call('XRANGE', ready_key(tier), entry, entry)[1]
  redis.call('XADD', dead_key, 'MAXLEN', '~', max_dead, '*', 'id', id, 'kind', kind, 'tier', tier,
    'attempt', attempt, 'submitted', submitted, 'problem', problem, 'note', note,
    'env', found and found[2][4] or '')
end

local function settle(id, key, tier, entry, seq, watchers, record, outcome)
  local state, field, value, tail, delay, uncounted, note = unpack(outcome)
  if terminal(state) then
    if state == 'failed' then bury(id, tier, entry, record.kind, record.attempt, record.submitted, value, note) end
    acknowledge(tier, entry)
    finish(id, state, field, value, ttl)
    tell(watchers, partition, id, seq, FINAL, tail)
    return
  end
  local envelope = envelope_in(tier, entry)
  acknowledge(tier, entry)
  if uncounted == 1 then redis.call('HINCRBY', key, 'attempt', -1) end
  redis.call('HDEL', key, 'worker', 'entry')
  if state == 'scheduled' then
    redis.call('HSET', key, 'state', state, 'envelope', envelope)
    redis.call('ZADD', scheduled_key, now + delay, id)
    redis.call('PUBLISH', root .. 'due', now + delay)
  else
    enqueue(id, tier, envelope)
  end
  tell(watchers, partition, id, seq, CHANGE, tail)
end

for i, item in ipairs(items) do
  local id, fence, number, progress, events, outcome = unpack(item)
  local key = job_key(id)
  local state, held, seq, watchers, tier, entry, reported, logged, kind, attempt, submitted, cancel =
    unpack(redis.call('HMGET', key, 'state', 'fence', 'seq', 'watchers', 'tier', 'entry', 'reported',
      'logged', 'kind', 'attempt', 'submitted', 'cancel'))
  if held and tonumber(held) == fence and tonumber(reported) >= number then
    replies[i] = 'done'
  elseif not state or tonumber(held) ~= fence or state ~= 'running' then
    replies[i] = 'lost'
  elseif outcome and not may(state, outcome[1]) then
    return redis.error_reply('ILLEGAL ' .. state .. ' to ' .. tostring(outcome[1]))
  else
    if outcome and cancel and not terminal(outcome[1]) then
      outcome = { 'cancelled', '', '', bare_tail('cancelled'), 0, 0, '' }
    end
    seq = write_events(id, key, tonumber(seq), watchers, tonumber(logged or 0), events)
    if outcome then seq = seq + 1 end
    redis.call('HSET', key, 'seq', seq, 'reported', number)
    if progress ~= '' then redis.call('HSET', key, 'progress', progress) end
    if outcome then
      local record = { kind = kind, attempt = attempt, submitted = submitted }
      settle(id, key, tier, entry, seq, watchers, record, outcome)
    end
    replies[i] = cancel and 'cancel' or 'ok'
  end
end

publish_all()
return cmsgpack.pack(replies)
