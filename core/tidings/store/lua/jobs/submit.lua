-- Accepts a batch of jobs: each is in the queue, or in the schedule, when this returns.
--
-- Atomic, because a job, its idempotency key, its unique value and its place in the queue must come into being
-- together: two servers that submit the same key at the same time get one job.
--
-- args = { partition, gateway, dedup_window_ms, max_backlog, max_caller, max_caller_bytes, direct,
--   result_ttl_ms, finished_kept, max_listed, items }
--   max_caller: live jobs that one caller may have; max_caller_bytes: of their envelopes; direct: how many of them go
--     to the tier's own stream, and more to the caller's lane; max_listed: jobs of one owner that are listed
--   item: a map of what is not the default; all but the first four may be missing:
--     { id, kind, tier, envelope, delay_ms, at_ms, deadline_ms, key, fingerprint, owner, caller, unique, unique_ms,
--       correlation_id, watch, parent, terms, traceparent, tags, webhook, version, epoch }
--     envelope: a text, or the number of one that is large;
--     at_ms: not before this time (since the epoch); deadline_ms: from now;
--     key: of idempotency; it already names caller and kind;
--     unique: kind and value; unique_ms: how long it may hold others off; without it: while the job lives;
--     watch: 0 if `gateway` does not want the events;
--     parent: token and step of the saga that calls it. Such a job is made once for its id, and no limit holds it
--       back, since its parent has passed them.
--     tags: with a space between each two; without them and without an owner the job is not listed;
--     webhook: as in the job's record (lib/events/webhooks.lua); version: of the kind, where it is not 1;
--     epoch: of the queue's placement by which the job comes here, where it has a key and the queue has a placement;
--     terms: a map of the same kind, { limit, priority, max_eta_ms, shed, fallback }
--       limit: whose place the job needs; max_eta_ms: the longest that it may wait as it is;
--       if it would wait longer, shed: the problem (JSON text) of the least important job, which ends for it, or
--       fallback: { kind, tier, envelope, limit, version }, which is queued in its place.
-- Reply: MessagePack array with for each item { answer, id, state, seq, position, wait_ms, degraded }
--   answer: 'new', 'duplicate' (id is the earlier job's; state is 'unknown' where its record has left), 'reused'
--           (another payload), 'stale' (by a newer placement the key lies in another partition), 'heavy' (position is the bytes of the caller's live jobs, seq how many may be),
--           'full' (position is the backlog), 'crowded' (position is the caller's live jobs),
--           'busy' (position is the jobs ahead, wait_ms until they are few enough), 'owing' (position is the caller's
--           deliveries that are not over, seq how many may be);
--   wait_ms: until it may start, or until another try makes sense, by the measured drain rate; -1: unknown.
-- O(items).

local partition, gateway, window, max_backlog, max_caller, max_bytes, direct, ttl, kept, listed, items =
  unpack(args)
place_texts(items, 'envelope', ARGV)
keep_finished(kept)
local waiting = {}
local rates = {}

-- The rate of a tier says nothing once no worker has measured it for this long.
local RATE_VALID_MS = 30000

-- Counts the jobs that wait in a tier: { in its stream, in its lanes, aside }.
local function backlog(tier)
  -- The store is asked once a script, before the script's own entries; those are added by hand.
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

-- Returns the ms in which a tier drains some jobs.
local function drain_ms(tier, jobs)
  if jobs == 0 then return 0 end
  return rates[tier] > 0 and math.ceil(jobs * 1000 / rates[tier]) or -1
end

local function present(id)
  local state, seq = unpack(read_fields(id, STANDING))
  return state and { 'duplicate', id, state, check_record(state, seq), 0, 0 } or nil
end

local function live_holder(unique)
  local id = holder(unique)
  return id and present(id)
end

-- A refused caller is to wait for a tenth of the backlog: by then there is room for more than one job.
local function refuse(id, tier, caller, bytes)
  local counted = backlog(tier)
  local ahead = counted[1] + counted[2] + counted[3]
  if ahead >= max_backlog then
    return { 'full', id, '', 0, ahead, drain_ms(tier, math.ceil(ahead / 10)) }
  end
  if caller == '' then return nil end
  local live = live_of(caller)
  if live >= max_caller then return { 'crowded', id, '', 0, live, drain_ms(tier, math.ceil(live / 10)) } end
  local bytes_now = bytes_of(caller)
  if bytes_now + bytes <= max_bytes then return nil end
  return { 'heavy', id, '', max_bytes, bytes_now, drain_ms(tier, math.ceil(live / 10)) }
end

-- Refuses a caller whose receivers take too little: its deliveries would pile up here.
local MOST_OWED = 100000
local function refuse_owing(id, caller)
  local owed = count_in(redis.call('HGET', webhook_key('callers'), caller))
  return owed >= MOST_OWED and { 'owing', id, '', MOST_OWED, owed, -1 } or nil
end

-- The lane of a new job, one of `live` of its caller; nil: the tier's own stream.
local function lane_for(caller, live)
  return caller ~= '' and live > direct and lane_of(caller) or nil
end

-- The order in which jobs are shed: the least important first, of those the job that has waited longest. A priority is
-- -100 to 100, and a time of ms has less than 42 bits: a number holds both exactly.
local PRIORITY = 4398046511104
local function importance(priority) return priority * PRIORITY + now end

local SHED_FIELDS = { 'state', 'entry', 'seq', 'watchers', 'caller', 'unique', 'saga', 'limit', 'size', 'deadline',
  'logged', 'streams' }

-- Ends the least important job that waits in a tier, if it is no more important than `priority`.
local function shed_one(tier, priority, problem)
  while true do
    local id, score = unpack(redis.call('ZRANGE', sheddable_key(tier), 0, 0, 'WITHSCORES'))
    if not id or math.floor(tonumber(score) / PRIORITY) > priority then return false end
    redis.call('ZREM', sheddable_key(tier), id)
    local job = load_job(id, SHED_FIELDS)
    if job.state == QUEUED and pcall(whole, job.seq, 'seq') then -- a broken job ends when a worker takes it
      job.tier, job.seq = tier, job.seq + 1
      leave_places(job)
      fail(job, partition, problem, ttl)
      return true
    end
  end
end

-- Decides about a job that would wait longer than its kind allows.
-- Returns how it is degraded ('': not at all), or nil and the reply that refuses it.
local function degrade(id, tier, caller, terms)
  local max_eta = terms.max_eta_ms or 0
  if max_eta == 0 then return '' end
  local counted = backlog(tier)
  local ahead = counted[1]
  if lane_for(caller, live_of(caller) + 1) then ahead = ahead + counted[2] end
  local eta = drain_ms(tier, ahead)
  if eta <= max_eta then return '' end
  if terms.fallback then return 'fallback' end
  if (terms.shed or '') ~= '' and shed_one(tier, terms.priority or 0, terms.shed) then return 'shed' end
  return nil, { 'busy', id, '', 0, ahead, eta - max_eta }
end

-- Adds a field to those of a record, if it has a value.
local function set(fields, name, value)
  if value and value ~= '' then
    local count = #fields
    fields[count + 1], fields[count + 2] = name, value
  end
end

-- Queues a job that is due; fields: of its record. Returns the reply.
local function queue_now(item, fields)
  local id, tier, caller, terms = item.id, item.tier, item.caller or '', item.terms
  local counted, lane = backlog(tier), lane_for(caller, caller ~= '' and live_of(caller) + 1 or 0)
  set(fields, 'state', QUEUED)
  set(fields, 'enqueued', now)
  set(fields, 'entry', append(id, tier, item.envelope, lane))
  if terms and (terms.shed or '') ~= '' then
    set(fields, 'shed', 1)
    redis.call('ZADD', sheddable_key(tier), importance(terms.priority or 0), id)
  end
  redis.call('HSET', job_key(id), unpack(fields))
  local ahead = counted[1]
  if lane then
    ahead = ahead + counted[2]
    counted[2] = counted[2] + 1
  else
    counted[1] = ahead + 1
  end
  return { 'new', id, QUEUED, 1, ahead, drain_ms(tier, ahead) }
end

-- Makes the record of a job and puts it where it waits; due: ms since the epoch. Returns the reply.
local function accept(item, due)
  local id, tier, caller, envelope, terms = item.id, item.tier, item.caller or '', item.envelope, item.terms
  local fields = { 'kind', item.kind, 'tier', tier, 'seq', 1, 'attempt', 0, 'fence', 0, 'submitted', now }
  local watchers = item.watch ~= 0 and gateway or ''
  if item.webhook then
    set(fields, 'webhook', item.webhook)
    watchers = watchers .. ' ' .. string.match(item.webhook, '^%S+')
  end
  set(fields, 'watchers', watchers)
  set(fields, 'owner', item.owner)
  set(fields, 'tags', item.tags)
  set(fields, 'version', item.version)
  if caller ~= '' then
    set(fields, 'caller', caller)
    set(fields, 'size', #envelope)
  end
  set(fields, 'unique', item.unique)
  set(fields, 'correlation_id', item.correlation_id)
  set(fields, 'traceparent', item.traceparent)
  if (item.deadline_ms or 0) > 0 then
    set(fields, 'deadline', now + item.deadline_ms)
    redis.call('ZADD', deadlines_key, now + item.deadline_ms, id)
  end
  if (item.parent or '') ~= '' then
    set(fields, 'parent', item.parent)
    set(fields, 'saga', 1)
  end
  if terms then set(fields, 'limit', terms.limit) end
  if caller ~= '' and direct_of(tier) ~= direct then
    redis.call('HSET', flow_key(tier), 'direct', direct) -- for when a worker, which has no such setting, queues it again
    know_direct(tier, direct)
  end
  local reply
  if due > now then
    set(fields, 'state', SCHEDULED)
    redis.call('HSET', job_key(id), 'envelope', envelope, unpack(fields))
    schedule(id, due)
    reply = { 'new', id, SCHEDULED, 1, 0, due - now }
  else
    reply = queue_now(item, fields)
    if followed then follow({ id = id, seq = 1, kind = item.kind }, partition, QUEUED, bare_tail(QUEUED)) end
  end
  if (item.owner or item.tags) and not item.parent then
    own(item.owner or '', id, item.tags, due - now)
    if item.tags then tell_followers(item.owner or '', id, item.tags) end
  end
  tally(caller, 1, #envelope)
  return reply
end

-- Replaces a job by its fallback, in the item itself: the caller's other wishes stay.
local function fall_back(item)
  local fallback = item.terms.fallback
  item.kind, item.tier, item.envelope = fallback.kind, fallback.tier, fallback.envelope
  item.version, item.terms = fallback.version, { limit = fallback.limit }
end

local function submit(item)
  local id, caller, key, parent, unique = item.id, item.caller or '', item.key or '', item.parent or '', item.unique or ''
  local fingerprint, due = item.fingerprint or '', math.max(item.at_ms or 0, now + (item.delay_ms or 0))
  local reply = key ~= '' and earlier(dedup_key(key), fingerprint, item.epoch or 0) or parent ~= '' and present(id) or nil
  local known = reply ~= nil
  if not reply and unique ~= '' then reply = live_holder(unique) end
  if not reply and parent == '' then reply = refuse(id, item.tier, caller, #item.envelope) end
  if not reply and item.webhook and parent == '' then reply = refuse_owing(id, caller) end
  local degraded = ''
  if not reply and item.terms and parent == '' and due <= now then
    degraded, reply = degrade(id, item.tier, caller, item.terms)
    if degraded == 'fallback' then
      fall_back(item)
      reply = refuse(id, item.tier, caller, #item.envelope)
    end
  end
  if not reply then
    reply = accept(item, due)
    reply[7] = degraded
    if unique ~= '' then hold(unique, id, item.unique_ms or 0) end
  end
  -- The key is also remembered for a duplicate by its unique value: the same call, repeated later, must get that job.
  if key ~= '' and not known and (reply[1] == 'new' or reply[1] == 'duplicate') then
    redis.call('SET', dedup_key(key), reply[2] .. ' ' .. fingerprint, 'PX', window)
  end
  return reply
end

local replies = for_each(items, submit)
write_owned(listed)
conclude()
return cmsgpack.pack(replies)
