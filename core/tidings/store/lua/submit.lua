-- Accepts a batch of jobs: each is in the queue, or in the schedule, when this returns.
--
-- Atomic, because a job, its idempotency key, its unique value and its place in the queue must come into
-- being together: two servers that submit the same key at the same time get one job.
--
-- args = { partition, gateway, dedup_window_ms, max_backlog, max_caller, max_caller_bytes, direct,
--   result_ttl_ms, keep, items }
--   max_caller: live jobs that one caller may have; max_caller_bytes: of their envelopes; direct: how many of them before more go to its lane
--   item = { id, kind, tier, envelope, delay_ms, at_ms, deadline_ms, key, fingerprint, owner, caller,
--            unique, unique_ms, correlation_id, watch, parent, terms, traceparent }
--     at_ms: not before this time (since the epoch), 0 for none; deadline_ms: from now, 0 for none;
--     key: '' for none, else it already names caller and kind;
--     unique: '' for none, else kind and value; unique_ms: how long it may hold others off, 0: while it lives;
--     watch: 1 if `gateway` wants the events;
--     parent: '' for none, else token and step of the saga that calls it: such a job is made once for its id,
--       and no limit holds it back, since its parent has passed them.
--     terms: false, or { limit, priority, max_eta_ms, shed, fallback }
--       limit: whose place it needs, '' for none; max_eta_ms: if it would wait longer it is not queued as it is, 0: it is;
--       instead, shed: the problem (JSON text) of the least important job, which ends for it, or '';
--       fallback: false, or { kind, tier, envelope, limit }, which is queued in its place.
-- Reply: MessagePack array with for each item { answer, id, state, seq, position, wait_ms, degraded }
--   answer: 'new', 'duplicate' (id is the earlier job's; state is 'unknown' where its record has left), 'reused'
--           (another payload), 'heavy' (position is the bytes of the caller's live jobs, seq how many may be),
--           'full' (position is the backlog), 'crowded' (position is the caller's live jobs),
--           'busy' (position is the jobs ahead, wait_ms until they are few enough);
--   wait_ms: until it may start, or until another try makes sense, by the measured drain rate; -1: unknown.
-- O(items).

local partition, gateway, window, max_backlog, max_caller, max_bytes, direct, ttl, kept, items = unpack(args)
keep = kept
local waiting = {}
local rates = {}

-- A rate nobody has renewed for this long says nothing any more.
local RATE_VALID_MS = 30000

-- Jobs that wait in a tier: { in its stream, in its lanes, aside }.
local function backlog(tier)
  -- Counted once a script, before its own entries, which are added by hand.
  local counted = waiting[tier]
  if not counted then
    local since, rate, open, aside, known = unpack(redis.call('HMGET', flow_key(tier), 'since', 'rate', 'lanes',
      'aside', 'direct'))
    know_lanes(tier, open)
    know_direct(tier, known)
    counted = { count_waiting(tier) }
    counted[3] = math.max(count_in(aside), 0)
    waiting[tier] = counted
    since, rate = tonumber(since), tonumber(rate)
    if since and counted[1] + counted[2] + counted[3] == 0 then redis.call('HSET', flow_key(tier), 'since', now, 'count', 0) end
    local valid = rate and since and now - since <= RATE_VALID_MS
    rates[tier] = valid and rate or 0
  end
  return counted
end

-- How long a tier takes to drain some jobs, ms.
local function drain_ms(tier, jobs)
  if jobs == 0 then return 0 end
  return rates[tier] > 0 and math.ceil(jobs * 1000 / rates[tier]) or -1
end

local function earlier(key, fingerprint)
  local known = redis.call('GET', key)
  if not known then return nil end
  local split = string.find(known, ' ', 1, true)
  local id = string.sub(known, 1, split - 1)
  local record = redis.call('HMGET', job_key(id), 'state', 'seq')
  if string.sub(known, split + 1) ~= fingerprint then return { 'reused', id, record[1] or 'unknown', 0, 0, 0 } end
  if not record[1] then return { 'duplicate', id, 'unknown', 0, 0, 0 } end -- the key is remembered longer than the result
  return { 'duplicate', id, record[1], check_record(record[1], record[2]), 0, 0 }
end

local function present(id)
  local state, seq = unpack(redis.call('HMGET', job_key(id), 'state', 'seq'))
  return state and { 'duplicate', id, state, check_record(state, seq), 0, 0 } or nil
end

local function live_holder(unique)
  local id = holder(unique)
  if not id then return nil end
  local state, seq = unpack(redis.call('HMGET', job_key(id), 'state', 'seq'))
  return { 'duplicate', id, state, check_record(state, seq), 0, 0 }
end

-- A tenth of the backlog is what a refused caller waits for: by then there is room for more than one.
local function refuse(id, tier, caller, bytes)
  local counted = backlog(tier)
  local ahead = counted[1] + counted[2] + counted[3]
  if ahead >= max_backlog then
    return { 'full', id, '', 0, ahead, drain_ms(tier, math.ceil(ahead / 10)) }
  end
  if caller == '' then return nil end
  local live = live_of(caller)
  if live >= max_caller then return { 'crowded', id, '', 0, live, drain_ms(tier, math.ceil(live / 10)) } end
  local heavy_now = bytes_of(caller)
  if heavy_now + bytes <= max_bytes then return nil end
  return { 'heavy', id, '', max_bytes, heavy_now, drain_ms(tier, math.ceil(live / 10)) }
end

-- The lane of a job, where it is one of `live` of its caller; nil: the tier's stream itself.
local function lane_for(caller, live)
  return caller ~= '' and live > direct and lane_of(caller) or nil
end

-- The order in which jobs are shed: the least important first, of those the one that has waited longest. A priority
-- is -100 to 100, and a time of ms has less than 42 bits: both together are exact.
local PRIORITY = 4398046511104
local function importance(priority) return priority * PRIORITY + now end

-- Ends the least important job that waits in a tier, if it is no more important than `priority`.
local function shed_one(tier, priority, problem)
  while true do
    local id, score = unpack(redis.call('ZRANGE', sheddable_key(tier), 0, 0, 'WITHSCORES'))
    if not id or math.floor(tonumber(score) / PRIORITY) > priority then return false end
    redis.call('ZREM', sheddable_key(tier), id)
    local state, entry, seq, watchers, caller, unique, saga, limit, size, deadline = unpack(redis.call('HMGET',
      job_key(id), 'state',
      'entry', 'seq', 'watchers', 'caller', 'unique', 'saga', 'limit', 'size', 'deadline'))
    if state == 'queued' and pcall(whole, seq, 'seq') then -- one that is broken ends when it is taken
      if entry then
        acknowledge(tier, entry)
      else
        leave_aside(id, tier)
      end
      finish(id, 'failed', { 'seq', seq + 1, 'problem', problem }, ttl, false, caller, unique, saga, limit, size,
        deadline)
      tell(watchers, partition, id, seq + 1, FINAL,
        '"event":"failed","status":"failed","data":{"problem":' .. problem .. '}}')
      return true
    end
  end
end

-- What becomes of a job that would wait longer than its kind allows.
-- Returns how it is degraded ('': not at all), or nil and the reply that refuses it.
local function degrade(id, tier, caller, terms)
  local _, priority, max_eta, shed, fallback = unpack(terms)
  if max_eta == 0 then return '' end
  local counted = backlog(tier)
  local ahead = counted[1]
  if lane_for(caller, live_of(caller) + 1) then ahead = ahead + counted[2] end
  local eta = drain_ms(tier, ahead)
  if eta <= max_eta then return '' end
  if fallback then return 'fallback' end
  if shed ~= '' and shed_one(tier, priority, shed) then return 'shed' end
  return nil, { 'busy', id, '', 0, ahead, eta - max_eta }
end

local function accept(id, kind, tier, envelope, due, deadline, owner, caller, unique, correlation, watch, parent,
  terms, trace)
  local key = job_key(id)
  local fields = { 'kind', kind, 'tier', tier, 'seq', 1, 'attempt', 0, 'fence', 0, 'submitted', now }
  local function set(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if watch == 1 then set('watchers', gateway) end
  if owner ~= '' then set('owner', owner) end
  if caller ~= '' then
    set('caller', caller)
    set('size', #envelope)
  end
  if unique ~= '' then set('unique', unique) end
  if correlation ~= '' then set('correlation_id', correlation) end
  if trace ~= '' then set('traceparent', trace) end
  if deadline > 0 then
    set('deadline', now + deadline)
    redis.call('ZADD', deadlines_key, now + deadline, id)
  end
  if parent ~= '' then
    set('parent', parent)
    set('saga', 1)
  end
  if terms and terms[1] ~= '' then set('limit', terms[1]) end
  if caller ~= '' and direct_of(tier) ~= direct then
    redis.call('HSET', flow_key(tier), 'direct', direct) -- for the next time that it is queued, by whom it may be
    know_direct(tier, direct)
  end
  if due > now then
    set('state', 'scheduled')
    set('envelope', envelope)
    redis.call('HSET', key, unpack(fields))
    redis.call('ZADD', scheduled_key, due, id)
    redis.call('PUBLISH', channels .. 'due', due)
    tally(caller, 1, #envelope)
    return { 'new', id, 'scheduled', 1, 0, due - now }
  end
  set('state', 'queued')
  set('enqueued', now)
  local counted, lane = backlog(tier), lane_for(caller, caller ~= '' and live_of(caller) + 1 or 0)
  set('entry', append(id, tier, envelope, lane))
  if terms and terms[4] ~= '' then
    set('shed', 1)
    redis.call('ZADD', sheddable_key(tier), importance(terms[2]), id)
  end
  redis.call('HSET', key, unpack(fields))
  tally(caller, 1, #envelope)
  local ahead = counted[1]
  if lane then
    ahead = ahead + counted[2]
    counted[2] = counted[2] + 1
  else
    counted[1] = ahead + 1
  end
  return { 'new', id, 'queued', 1, ahead, drain_ms(tier, ahead) }
end

local function submit(item)
  local id, kind, tier, envelope, delay, at_ms, deadline, key, fingerprint, owner, caller, unique, unique_ms,
    correlation, watch, parent, terms, trace = unpack(item)
  local name = root .. 'key:' .. key
  local reply = key ~= '' and earlier(name, fingerprint) or parent ~= '' and present(id) or nil
  local known = reply ~= nil
  if not reply and unique ~= '' then reply = live_holder(unique) end
  if not reply and parent == '' then reply = refuse(id, tier, caller, #envelope) end
  local degraded = ''
  if not reply and terms and parent == '' and math.max(at_ms, now + delay) <= now then
    degraded, reply = degrade(id, tier, caller, terms)
    if degraded == 'fallback' then
      local limit
      kind, tier, envelope, limit = unpack(terms[5])
      terms = { limit, 0, 0, '', false }
      reply = refuse(id, tier, caller, #envelope)
    end
  end
  if not reply then
    local due = math.max(at_ms, now + delay)
    reply = accept(id, kind, tier, envelope, due, deadline, owner, caller, unique, correlation, watch, parent,
      terms, trace)
    reply[7] = degraded
    if unique ~= '' then hold(unique, id, unique_ms) end
  end
  -- Of a duplicate by its unique value too: the same call, repeated later, must get the same job.
  if key ~= '' and not known and (reply[1] == 'new' or reply[1] == 'duplicate') then
    redis.call('SET', name, reply[2] .. ' ' .. fingerprint, 'PX', window)
  end
  return reply
end

local replies = for_each(items, submit)
conclude()
return cmsgpack.pack(replies)
