-- Accepts a batch of jobs: each is in the queue, or in the schedule, when this returns.
--
-- Atomic, because a job, its idempotency key and its place in the queue must come into being
-- together: two servers that submit the same key at the same time get one job.
--
-- args = { partition, gateway, dedup_window_ms, max_backlog, items }
--   item = { id, kind, tier, envelope, delay_ms, deadline_ms, key, fingerprint, owner,
--            correlation_id, watch }
--     deadline_ms: from now, 0 for none; key: '' for none, else it already names caller and kind;
--     watch: 1 if `gateway` wants the events.
-- Reply: MessagePack array with for each item { answer, id, state, seq, position }
--   answer: 'new', 'duplicate' (id is the earlier job's), 'reused' (another payload),
--           'full' (position is the backlog).
-- O(items).

local partition, gateway, window, max_backlog, items = unpack(args)
local waiting = {}
local replies = {}

-- Jobs that wait for a worker in a tier: those in the stream that no worker holds.
local function backlog(tier)
  -- Counted once a script, before its own entries, which are added by hand.
  if not waiting[tier] then
    local stream = ready_key(tier)
    local held = 0
    if redis.call('EXISTS', stream) == 1 then
      for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
        for i = 1, #group, 2 do
          if group[i] == 'pending' then held = held + group[i + 1] end
        end
      end
    end
    waiting[tier] = redis.call('XLEN', stream) - held
  end
  return waiting[tier]
end

local function earlier(key, fingerprint)
  local known = redis.call('GET', key)
  if not known then return nil end
  local split = string.find(known, ' ', 1, true)
  local id = string.sub(known, 1, split - 1)
  local record = redis.call('HMGET', job_key(id), 'state', 'seq')
  if not record[1] then return nil end -- the job's record has left: the key goes with it
  if string.sub(known, split + 1) ~= fingerprint then return { 'reused', id, record[1], 0, 0 } end
  return { 'duplicate', id, record[1], tonumber(record[2]), 0 }
end

local function accept(id, kind, tier, envelope, delay, deadline, owner, correlation, watch)
  local key = job_key(id)
  local fields = { 'kind', kind, 'tier', tier, 'seq', 1, 'attempt', 0, 'fence', 0, 'submitted', now }
  local function set(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if watch == 1 then set('watchers', gateway) end
  if owner ~= '' then set('owner', owner) end
  if correlation ~= '' then set('correlation_id', correlation) end
  if deadline > 0 then set('deadline', now + deadline) end
  if delay > 0 then
    set('state', 'scheduled')
    set('envelope', envelope)
    redis.call('HSET', key, unpack(fields))
    redis.call('ZADD', scheduled_key, now + delay, id)
    redis.call('PUBLISH', root .. 'due', now + delay)
    return { 'new', id, 'scheduled', 1, 0 }
  end
  set('state', 'queued')
  set('enqueued', now)
  set('entry', redis.call('XADD', ready_key(tier), '*', 'id', id, 'env', envelope))
  redis.call('HSET', key, unpack(fields))
  local ahead = backlog(tier)
  waiting[tier] = ahead + 1
  return { 'new', id, 'queued', 1, ahead }
end

for i, item in ipairs(items) do
  local id, kind, tier, envelope, delay, deadline, key, fingerprint, owner, correlation, watch = unpack(item)
  local reply
  local name = root .. 'key:' .. key
  if key ~= '' then reply = earlier(name, fingerprint) end
  if not reply and backlog(tier) >= max_backlog then reply = { 'full', id, '', 0, backlog(tier) } end
  if not reply then
    reply = accept(id, kind, tier, envelope, delay, deadline, owner, correlation, watch)
    if key ~= '' then redis.call('SET', name, id .. ' ' .. fingerprint, 'PX', window) end
  end
  replies[i] = reply
end

return cmsgpack.pack(replies)
