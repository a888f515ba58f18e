#!lua flags=allow-oom
-- Starts an attempt for each of a batch of entries that a worker holds.
--
-- Atomic, because the fence, the attempt and the state must move together: from here on only the
-- holder of the new fence can write to the job. An entry whose job must not run (cancelled, gone,
-- already finished, past its deadline) is acknowledged here and leaves the stream.
--
-- An entry that is a lane's turn gives a job of the lane, or more (see the prelude).
--
-- A job over the limit or the rate of its kind steps aside (see the prelude): no attempt of it begins. Nor does one of
-- a job that needs a thread or a process while the worker has none free: it is set apart.
--
-- args = { partition, worker, result_ttl_ms, keep, call, spare, limits, rates, needs, free, hold, items };
--   item = { tier, entry, id }
--   call: names this call; one that is repeated, because its reply was lost, starts nothing anew;
--   spare: tier -> how many jobs beyond the items its lanes may give;
--   limits: kind -> how many of its jobs, or of those with one value, may run;
--   rates: kind -> { ms between two starts, starts at once };
--   needs: kind -> `thread` or `process`, of those kinds that need one; free: how many of each the worker has;
--   hold: 1: the items were read where such jobs lie apart, and for one that has older ones behind it the worker waits.
-- Reply: MessagePack array { replies, drawn, apart, faults }: for each item { go, fence, attempt, remaining_ms, submitted_ms,
--   lost, waited_ms, started_ms };
--   for each job that a lane gave { tier, entry, id, envelope, the same }
--   go: 1 run it, 0 do not, 2 ask again when there is something free (only with `hold`); remaining_ms: until the deadline, 0 if there is none,
--   -1 of a saga that unwinds, for which none counts;
--   lost: how many workers were lost while they ran this job; waited_ms: since it was queued;
--   started_ms: the milestone, which a repetition of the call does not move;
--   apart: { tier, need, jobs } for each stream to which this call has set something apart: how many wait there by now;
--   faults: for each job that ended because its record cannot be read: its id, a space, and why.
-- O(items).

local partition, worker, ttl, kept, call, spare, limits, rates, needs, free, hold, items = unpack(args)
keep = kept
local drawn, begun, faults = {}, {}, {}
local apart = {}

-- The rate at which a tier drains, jobs a second: a moving average over about ten seconds, measured while
-- there is a backlog (submit.lua begins anew when there is none).
local function measure(tier, count)
  local key = flow_key(tier)
  local since, counted, rate, open, aside = unpack(redis.call('HMGET', key, 'since', 'count', 'rate', 'lanes', 'aside'))
  since, counted, rate = tonumber(since) or now, count_in(counted) + count, tonumber(rate)
  local elapsed = now - since
  if elapsed < 1000 then
    redis.call('HSET', key, 'since', since, 'count', counted)
    return
  end
  local current = counted * 1000 / elapsed
  rate = rate and rate + (current - rate) * (1 - math.exp(-elapsed / 10000)) or current
  redis.call('HSET', key, 'since', now, 'count', 0, 'rate', rate)
  if (lanes[tier] or open or ' ') == ' ' and count_in(aside) <= 0 then redis.call('PEXPIRE', key, FLOW_TTL) end
end

-- Until a deadline, ms; 0 if there is none, -1 if none counts.
local function remaining(deadline, unwinding)
  if unwinding then return -1 end
  return deadline and math.max(whole(deadline, 'deadline') - now, 1) or 0
end

local function end_unstarted(id, tier, entry, seq, watchers, state, ...)
  finish(id, state, { 'seq', seq }, ttl, ...)
  acknowledge(tier, entry)
  tell(watchers, partition, id, seq, FINAL, bare_tail(state))
end

local function limit_of(limit) return limits[string.match(limit, '^[^:]*')] end

-- Whether a job has, or gets, a place of its limit. One that runs, and whose worker was lost, keeps it.
local function has_place(limit, id, state)
  local most = limit_of(limit)
  if not most then return true end -- this worker's release has no limit for the kind any more
  local key = limit_key(limit)
  if redis.call('SISMEMBER', key, id) == 1 then
    if state == 'running' or redis.call('SCARD', key) <= most then return true end
    redis.call('SREM', key, id) -- the limit is lower than it was when the job got its place
    return false
  end
  if state ~= 'running' and (redis.call('SCARD', key) >= most or redis.call('ZCARD', limited_key(limit)) > 0) then
    return false
  end
  redis.call('SADD', key, id)
  return true
end

-- In the order in which they were queued: an entry's id is the time, ms, and a number within it.
local function wait_for_place(limit, id, tier, entry, deadline)
  local ms, number = string.match(entry, '^(%d+)-(%d+)')
  step_aside(id, tier, entry, deadline)
  redis.call('ZADD', limited_key(limit), ms * 1000 + math.min(number, 999), id)
  fill(limit, limit_of(limit)) -- it may be higher than it was
end

-- Whether a job of a kind with a rate may start now; else it has its turn: a token of its own, which no other gets.
-- The bucket is kept as the moment at which it would be full again (the generic cell rate algorithm; ITU-T I.371).
local function in_pace(kind, id, tier, entry, deadline)
  local interval, burst = unpack(rates[kind])
  local full = math.max(now, count_in(redis.call('GET', rate_key(kind)))) + interval
  redis.call('SET', rate_key(kind), string.format('%.3f', full), 'PX', math.ceil(full - now) + 1000)
  local due = math.ceil(full - burst * interval)
  if due <= now then return true end
  step_aside(id, tier, entry, false)
  redis.call('HSET', job_key(id), 'paced', 1)
  due = deadline and math.min(due, tonumber(deadline)) or due
  redis.call('ZADD', scheduled_key, due, id)
  redis.call('PUBLISH', channels .. 'due', due)
  return false
end

-- One that lies apart already would go behind those that were queued after it: if there are any, its worker keeps it,
-- and its lease. If there are none it is at the disposal of others again.
local function keeps_place(need, tier, entry)
  if hold ~= 1 then return false end
  local stream, id = place(tier, entry)
  if stream ~= ready_key(tier, need) or unheld(stream) == 0 then return false end
  redis.call('XCLAIM', stream, GROUP, worker, 0, id, 'JUSTID')
  return true
end

local function set_apart(need, id, tier, entry)
  local envelope = envelope_in(tier, entry)
  acknowledge(tier, entry)
  local place_of_it = redis.call('XADD', ready_key(tier, need), '*', 'id', id, 'env', envelope) .. '/' .. need
  redis.call('HSET', job_key(id), 'entry', place_of_it)
  note_apart(tier, need)
  apart[ready_key(tier, need)] = { tier, need }
end

-- Starts one; returns its reply.
local function start(tier, entry, id)
  local key = job_key(id)
  local state, held, fence, attempt, seq, watchers, deadline, submitted, cancel, lost, begun_by, logged, caller,
    unique, limit, kind, paced, shed, saga, unwinding, enqueued, size = unpack(redis.call('HMGET', key, 'state', 'entry', 'fence',
      'attempt', 'seq', 'watchers', 'deadline', 'submitted', 'cancel', 'lost', 'call', 'logged', 'caller', 'unique',
      'limit', 'kind', 'paced', 'shed', 'saga', 'unwinding', 'enqueued', 'size'))
  if state then
    seq, fence, attempt = check_record(state, seq), whole(fence, 'fence'), whole(attempt, 'attempt')
    submitted, lost = whole(submitted, 'submitted'), whole(lost or '0', 'lost')
    enqueued = enqueued and whole(enqueued, 'enqueued')
  end
  local again = state == 'running' and begun_by == call
  if unwinding then deadline = false end
  -- If it was cancelled, its worker was lost before it could obey.
  local need = needs[kind]
  local doomed = cancel and 'cancelled' or deadline and tonumber(deadline) <= now and 'expired'
  if not state or held ~= entry or (state ~= 'queued' and state ~= 'running') then
    acknowledge(tier, entry)
  elseif again then
    if need then free[need] = (free[need] or 0) - 1 end
    local begun_at = whole(redis.call('HGET', key, 'started'), 'started')
    return { 1, fence, attempt, remaining(deadline, unwinding), submitted, lost, begun_at - (enqueued or begun_at),
      begun_at }
  elseif doomed and not turn(id, saga, doomed) then
    end_unstarted(id, tier, entry, seq + 1, watchers, doomed, logged, caller, unique, saga, limit, size,
      deadline)
  elseif need and (free[need] or 0) <= 0 then
    if keeps_place(need, tier, entry) then return { 2, 0, 0, 0, 0, 0, 0, 0 } end
    set_apart(need, id, tier, entry)
  elseif limit and not (unwinding or doomed) and not has_place(limit, id, state) then
    wait_for_place(limit, id, tier, entry, deadline)
  elseif state == 'queued' and rates[kind] and not (unwinding or doomed or paced)
    and not in_pace(kind, id, tier, entry, deadline) then
    -- its turn comes
  else
    if need then free[need] = (free[need] or 0) - 1 end
    if paced then redis.call('HDEL', key, 'paced') end
    if shed then redis.call('ZREM', sheddable_key(tier), id) end
    if doomed then lost = 0 end -- of one that turns none counts
    if state == 'running' then
      remember(id, 'lost', '')
      if not doomed then
        lost = lost + 1
        redis.call('HSET', key, 'lost', lost)
      end
    end
    fence, attempt, seq = fence + 1, attempt + 1, seq + 1
    redis.call('HSET', key, 'state', 'running', 'fence', fence, 'attempt', attempt, 'seq', seq,
      'worker', worker, 'call', call, 'dequeued', now, 'started', now, 'reported', 0)
    tell(watchers, partition, id, seq, CHANGE,
      '"event":"started","status":"running","data":{"attempt":' .. attempt .. '}}')
    begun[tier] = (begun[tier] or 0) + 1
    return { 1, fence, attempt, remaining(deadline, unwinding or doomed), submitted, lost, now - (enqueued or now), now }
  end
  return { 0, 0, 0, 0, 0, 0, 0, 0 }
end

-- Starts one whose record may be broken: it then leaves the stream, and ends.
local function try_start(tier, entry, id)
  local done_well, reply = pcall(start, tier, entry, id)
  if done_well then return reply end
  faults[#faults + 1] = id .. ' ' .. string.sub(fault_of(reply), 2)
  acknowledge(tier, entry)
  pcall(give_up, id, partition, ttl, BROKEN)
  return { 0, 0, 0, 0, 0, 0, 0, 0 }
end

-- Takes up to `count` new entries of a lane, whose group is made when it is first wanted.
local function draw(tier, lane, count)
  local stream = ready_key(tier, lane)
  local function read()
    return redis.pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', count, 'STREAMS', stream, '>')
  end
  local found = read()
  if found and found.err then
    redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
    found = read()
  end
  return found and found[1][2] or {}
end

local function start_drawn(tier, lane, found, call_before)
  local id, place_of_it = job_in(found), found[1] .. '/' .. lane
  if call_before and redis.call('HGET', job_key(id), 'call') ~= call_before then return end
  local reply = try_start(tier, place_of_it, id)
  if reply[1] == 1 then
    drawn[#drawn + 1] = { tier, place_of_it, id, envelope_of(found), reply }
  end
end

-- What this call has started before, if it is a repetition.
local function recall(tier, lane)
  local stream = ready_key(tier, lane)
  local found = redis.pcall('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', 10000, 'STREAMS', stream, '0')
  if not found or found.err then return end
  for _, one in ipairs(found[1][2]) do
    if one[2] then start_drawn(tier, lane, one, call) end
  end
end

-- A lane has its turn: it gives one job for the turn's own slot and what else is free, and goes to the end.
local function take_turn(tier, turn, lane)
  if redis.call('XACK', ready_key(tier), GROUP, turn) == 0 then return recall(tier, lane) end
  redis.call('XDEL', ready_key(tier), turn)
  local count = 1 + (spare[tier] or 0)
  local found = draw(tier, lane, count)
  for _, one in ipairs(found) do start_drawn(tier, lane, one) end
  if #found > 1 then spare[tier] = spare[tier] - (#found - 1) end
  if #found < count then
    close_lane(tier, lane)
  else
    give_turn(tier, lane)
  end
end

local function begin_one(item)
  local tier, entry, id = unpack(item)
  if string.sub(id, 1, 1) ~= '/' then return try_start(tier, entry, id) end
  local done_well, reason = pcall(take_turn, tier, entry, string.sub(id, 2))
  if not done_well then faults[#faults + 1] = id .. ' ' .. string.sub(fault_of(reason), 2) end
  return { 0, 0, 0, 0, 0, 0, 0, 0 }
end

local replies = for_each(items, begin_one)
for tier, count in pairs(begun) do measure(tier, count) end
conclude()
local waiting = {}
for stream, whose in pairs(apart) do
  whose[3] = unheld(stream)
  waiting[#waiting + 1] = whose
end
return cmsgpack.pack({ replies, drawn, waiting, faults })
