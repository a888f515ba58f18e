-- Accepts a batch of jobs: each is in the queue, or in the schedule, when this returns.
--
-- Atomic, because a job, its idempotency key, its unique value and its place in the queue must come into
-- being together: two servers that submit the same key at the same time get one job.
--
-- args = { partition, gateway, dedup_window_ms, max_backlog, max_caller, items }
--   max_caller: live jobs that one caller may have
--   item = { id, kind, tier, envelope, delay_ms, at_ms, deadline_ms, key, fingerprint, owner, caller,
--            unique, unique_ms, correlation_id, watch, parent }
--     at_ms: not before this time (since the epoch), 0 for none; deadline_ms: from now, 0 for none;
--     key: '' for none, else it already names caller and kind;
--     unique: '' for none, else kind and value; unique_ms: how long it may hold others off, 0: while it lives;
--     watch: 1 if `gateway` wants the events;
--     parent: '' for none, else token and step of the saga that calls it: such a job is made once for its id,
--       and no limit holds it back, since its parent has passed them.
-- Reply: MessagePack array with for each item { answer, id, state, seq, position, wait_ms }
--   answer: 'new', 'duplicate' (id is the earlier job's), 'reused' (another payload),
--           'full' (position is the backlog), 'crowded' (position is the caller's live jobs);
--   wait_ms: until it may start, or until another try makes sense, by the measured drain rate; -1: unknown.
-- O(items).

local partition, gateway, window, max_backlog, max_caller, items = unpack(args)
local waiting = {}
local rates = {}
local counts = {}
local replies = {}

-- A rate nobody has renewed for this long says nothing any more.
local RATE_VALID_MS = 30000

local function count_waiting(tier)
  local stream = ready_key(tier)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err then return 0 end -- nothing was ever queued there, and no worker has joined
  local held = 0
  for _, group in ipairs(groups) do
    for i = 1, #group, 2 do
      if group[i] == 'pending' then held = held + group[i + 1] end
    end
  end
  return redis.call('XLEN', stream) - held
end

-- Jobs that wait for a worker in a tier: those in the stream that no worker holds.
local function backlog(tier)
  -- Counted once a script, before its own entries, which are added by hand.
  if not waiting[tier] then
    waiting[tier] = count_waiting(tier)
    local since, rate = unpack(redis.call('HMGET', flow_key(tier), 'since', 'rate'))
    if since and waiting[tier] == 0 then redis.call('HSET', flow_key(tier), 'since', now, 'count', 0) end
    local valid = rate and now - since <= RATE_VALID_MS
    rates[tier] = valid and tonumber(rate) or 0
  end
  return waiting[tier]
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
  if not record[1] then return nil end -- the job's record has left: the key goes with it
  if string.sub(known, split + 1) ~= fingerprint then return { 'reused', id, record[1], 0, 0, 0 } end
  return { 'duplicate', id, record[1], tonumber(record[2]), 0, 0 }
end

local function present(id)
  local state, seq = unpack(redis.call('HMGET', job_key(id), 'state', 'seq'))
  return state and { 'duplicate', id, state, tonumber(seq), 0, 0 } or nil
end

local function live_holder(unique)
  local id = holder(unique)
  if not id then return nil end
  local state, seq = unpack(redis.call('HMGET', job_key(id), 'state', 'seq'))
  return { 'duplicate', id, state, tonumber(seq), 0, 0 }
end

-- The jobs of a caller that live; asked once a script, those of the script itself are added.
local function live_of(caller)
  if not counts[caller] then counts[caller] = tonumber(redis.call('HGET', callers_key, caller) or 0) end
  return counts[caller] + (tallies[caller] or 0)
end

-- A tenth of the backlog is what a refused caller waits for: by then there is room for more than one.
local function refuse(id, tier, caller)
  local ahead = backlog(tier)
  if ahead >= max_backlog then
    return { 'full', id, '', 0, ahead, drain_ms(tier, math.ceil(ahead / 10)) }
  end
  if caller == '' then return nil end
  local live = live_of(caller)
  if live < max_caller then return nil end
  return { 'crowded', id, '', 0, live, drain_ms(tier, math.ceil(live / 10)) }
end

local function accept(id, kind, tier, envelope, due, deadline, owner, caller, unique, correlation, watch, parent)
  local key = job_key(id)
  local fields = { 'kind', kind, 'tier', tier, 'seq', 1, 'attempt', 0, 'fence', 0, 'submitted', now }
  local function set(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if watch == 1 then set('watchers', gateway) end
  if owner ~= '' then set('owner', owner) end
  if caller ~= '' then set('caller', caller) end
  if unique ~= '' then set('unique', unique) end
  if correlation ~= '' then set('correlation_id', correlation) end
  if deadline > 0 then set('deadline', now + deadline) end
  if parent ~= '' then
    set('parent', parent)
    set('saga', 1)
  end
  tally(caller, 1)
  if due > now then
    set('state', 'scheduled')
    set('envelope', envelope)
    redis.call('HSET', key, unpack(fields))
    redis.call('ZADD', scheduled_key, due, id)
    redis.call('PUBLISH', root .. 'due', due)
    return { 'new', id, 'scheduled', 1, 0, due - now }
  end
  set('state', 'queued')
  set('enqueued', now)
  set('entry', redis.call('XADD', ready_key(tier), '*', 'id', id, 'env', envelope))
  redis.call('HSET', key, unpack(fields))
  local ahead = backlog(tier)
  waiting[tier] = ahead + 1
  return { 'new', id, 'queued', 1, ahead, drain_ms(tier, ahead) }
end

for i, item in ipairs(items) do
  local id, kind, tier, envelope, delay, at_ms, deadline, key, fingerprint, owner, caller, unique, unique_ms,
    correlation, watch, parent = unpack(item)
  local name = root .. 'key:' .. key
  local reply = key ~= '' and earlier(name, fingerprint) or parent ~= '' and present(id) or nil
  local known = reply ~= nil
  if not reply and unique ~= '' then reply = live_holder(unique) end
  if not reply and parent == '' then reply = refuse(id, tier, caller) end
  if not reply then
    local due = math.max(at_ms, now + delay)
    reply = accept(id, kind, tier, envelope, due, deadline, owner, caller, unique, correlation, watch, parent)
    if unique ~= '' then hold(unique, id, unique_ms) end
  end
  -- Of a duplicate by its unique value too: the same call, repeated later, must get the same job.
  if key ~= '' and not known and (reply[1] == 'new' or reply[1] == 'duplicate') then
    redis.call('SET', name, reply[2] .. ' ' .. fingerprint, 'PX', window)
  end
  replies[i] = reply
end

conclude()
return cmsgpack.pack(replies)
