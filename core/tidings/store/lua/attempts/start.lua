#!lua flags=allow-oom
-- Starts an attempt for each of a batch of entries that a worker holds.
--
-- Atomic, because the fence, the attempt and the state must move together: from here on only the holder of the new
-- fence can write to the job. An entry whose job must not run (cancelled, gone, already finished, past its deadline) is
-- acknowledged here and leaves the stream.
--
-- An entry that is a lane's turn gives a job of the lane, or more (lib/waiting/lanes.lua).
--
-- A job over the limit or the rate of its kind steps aside (lib/waiting/limits.lua): no attempt of it starts. Nor does one of
-- a job that needs a thread or a process while the worker has none free: it is set apart. A job whose kind the worker
-- does not serve in its version goes into the line of those that wait for a worker that does (lib/waiting/unserved.lua).
--
-- args = { partition, worker, result_ttl_ms, finished_kept, call, spare, limits, rates, needs, free, hold, items, serves };
--   item = { tier, entry, id, kind, version, upcast }; kind and version: of a job that the worker does not serve, or serves
--     only by an upcast (then upcast is 1: a saga that is pinned to its version waits for another worker), else missing;
--   serves: kind -> { oldest, newest version } that the worker serves, where a lane may give jobs; else missing: the worker
--     has read what kinds the entries are of;
--   call: names this call; a call that is repeated, because its reply was lost, starts nothing again;
--   spare: tier -> how many jobs beyond the items its lanes may give;
--   limits: kind -> how many of its jobs, or of those with one value, may run;
--   rates: kind -> { ms between two starts, starts at once };
--   needs: kind -> `thread` or `process`, of those kinds that need one; free: how many of each the worker has;
--   hold: 1: the worker reads the streams where such jobs lie apart, and waits with a job that has older ones behind it.
-- Reply: MessagePack array { replies, drawn, apart, faults }: for each item { go, fence, attempt, remaining_ms, submitted_ms,
--   lost, waited_ms, started_ms };
--   for each job that a lane gave { tier, entry, id, envelope, the same }
--   go: 1 run it, 0 do not, 2 ask again when there is something free (only with `hold`); remaining_ms: until the
--   deadline, 0 if there is none, -1 of a saga that unwinds, for which none counts;
--   lost: how many workers were lost while they ran this job; waited_ms: since it was queued;
--   started_ms: the milestone, which a repetition of the call does not move;
--   apart: { tier, need, jobs } for each stream to which this call has set something apart: how many wait there by now;
--   faults: for each job that ended because its record cannot be read: its id, a space, and why.
-- O(items).

local partition, worker, ttl, kept, call, spare, limits, rates, needs, free, hold, items, serves = unpack(args)
keep_finished(kept)
local drawn, begun, faults = {}, {}, {}
local apart = {}

-- The answer about an entry that no attempt starts for.
local NOT_STARTED = { 0, 0, 0, 0, 0, 0, 0, 0 }
local ASK_AGAIN = { 2, 0, 0, 0, 0, 0, 0, 0 }

-- What is read of every job, as far as this worker's kinds need it; what an attempt before this one may have left; and
-- the rest, which matters where a job does not start. The store looks through a whole record for each field.
local FIELDS = { 'state', 'entry', 'fence', 'attempt', 'seq', 'watchers', 'deadline', 'submitted', 'enqueued', 'shed',
  'paced' }
local FIELDS_OF_RULES = { 'state', 'entry', 'fence', 'attempt', 'seq', 'watchers', 'deadline', 'submitted', 'enqueued', 'shed',
  'paced', 'kind', 'limit', 'version' }
local FIELDS_OF_ATTEMPTS = { 'cancel', 'lost', 'call', 'unwinding' }
local OTHER_FIELDS = { 'saga', 'kind', 'limit', 'caller', 'unique', 'size', 'logged', 'streams' }

-- Whether the kind of each job matters here, or its limit.
local has_rules = followed or serves ~= nil or next(limits) ~= nil or next(rates) ~= nil or next(needs) ~= nil

local function read_into(job, names)
  local found = read_fields(job.id, names)
  for i, name in ipairs(names) do job[name] = found[i] end
end

-- Reads a job. Its names are written out, unlike `load_job`, since a table whose size is known costs the store less:
-- every job comes through here.
local function load(id, tier)
  local found = read_fields(id, has_rules and FIELDS_OF_RULES or FIELDS)
  local job = { id = id, tier = tier, state = found[1], entry = found[2], fence = found[3], attempt = found[4],
    seq = found[5], watchers = found[6], deadline = found[7], submitted = found[8], enqueued = found[9], shed = found[10],
    paced = found[11], kind = found[12], limit = found[13], version = found[14] }
  if job.fence ~= '0' then read_into(job, FIELDS_OF_ATTEMPTS) end
  return job
end

local function check(job)
  job.seq, job.fence = check_record(job.state, job.seq), whole(job.fence, 'fence')
  job.attempt, job.submitted = whole(job.attempt, 'attempt'), whole(job.submitted, 'submitted')
  job.lost = job.lost and whole(job.lost, 'lost') or 0
  job.enqueued = job.enqueued and whole(job.enqueued, 'enqueued')
end

-- The rate at which a tier drains, jobs a second: a moving average over about ten seconds. It is measured while there
-- is a backlog; submit.lua begins again when there is none.
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

-- Returns the ms until a job's deadline: 0 if it has none, -1 if none counts because it unwinds.
local function remaining(job, unwinding)
  return unwinding and -1 or ms_left(job.deadline)
end

local function limit_of(limit) return limits[string.match(limit, '^[^:]*')] end

-- Returns whether a job has, or gets, a place of its limit. A job that runs, and whose worker was lost, keeps it.
local function has_place(job)
  local limit, id = job.limit, job.id
  local most = limit_of(limit)
  if not most then return true end -- this worker's release has no limit for the kind any more
  local key = limit_key(limit)
  if redis.call('SISMEMBER', key, id) == 1 then
    if job.state == RUNNING or redis.call('SCARD', key) <= most then return true end
    redis.call('SREM', key, id) -- the limit is lower than it was when the job got its place
    return false
  end
  if job.state ~= RUNNING and (redis.call('SCARD', key) >= most or redis.call('ZCARD', limited_key(limit)) > 0) then
    return false
  end
  redis.call('SADD', key, id)
  return true
end

-- Jobs wait for a place in the order in which they were queued: an entry's id is the time, ms, and a number within it.
local function wait_for_place(job, entry)
  local ms, number = string.match(entry, '^(%d+)-(%d+)')
  step_aside(job.id, job.tier, entry, job.deadline)
  redis.call('ZADD', limited_key(job.limit), ms * 1000 + math.min(number, 999), job.id)
  fill(job.limit, limit_of(job.limit)) -- it may be higher than it was
end

-- Returns whether a job of a kind with a rate may start now. Otherwise it gets its turn: a token that no other job gets.
-- The bucket is kept as the moment at which it would be full again (the generic cell rate algorithm; ITU-T I.371).
local function in_pace(job, entry)
  local interval, burst = unpack(rates[job.kind])
  local full = math.max(now, count_in(redis.call('GET', rate_key(job.kind)))) + interval
  redis.call('SET', rate_key(job.kind), string.format('%.3f', full), 'PX', math.ceil(full - now) + 1000)
  local due = math.ceil(full - burst * interval)
  if due <= now then return true end
  step_aside(job.id, job.tier, entry, false)
  redis.call('HSET', job_key(job.id), 'paced', 1)
  due = job.deadline and math.min(due, tonumber(job.deadline)) or due
  schedule(job.id, due)
  return false
end

-- A job that lies apart already would go behind those that were queued after it. If there are any, its worker keeps it,
-- and its lease; if there are none, any worker may take it again.
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

local function use_need(need)
  if need then free[need] = (free[need] or 0) - 1 end
end

-- This call started the attempt already: its reply was lost, and the answer is what it was.
local function repeat_start(job)
  local begun_at = whole(redis.call('HGET', job_key(job.id), 'started'), 'started')
  return { 1, job.fence, job.attempt, remaining(job, job.unwinding), job.submitted, job.lost,
    begun_at - (job.enqueued or begun_at), begun_at }
end

-- Returns whether something keeps a job of a limit or a rate from starting; it has then stepped aside.
local function must_wait(job, entry)
  if job.limit and not has_place(job) then
    wait_for_place(job, entry)
    return true
  end
  return job.state == QUEUED and rates[job.kind] and not job.paced and not in_pace(job, entry)
end

-- turns: whether the job would have ended, and unwinds instead; the lost workers of its past do not count then.
local function start_attempt(job, turns)
  local id, key, lost = job.id, job_key(job.id), turns and 0 or job.lost
  if job.paced then redis.call('HDEL', key, 'paced') end
  if job.shed then redis.call('ZREM', sheddable_key(job.tier), id) end
  if job.state == RUNNING then
    remember(id, 'lost', '')
    if not turns then
      lost = lost + 1
      redis.call('HSET', key, 'lost', lost)
    end
  end
  local fence, attempt = job.fence + 1, job.attempt + 1
  job.seq = job.seq + 1
  redis.call('HSET', key, 'state', RUNNING, 'fence', fence, 'attempt', attempt, 'seq', job.seq,
    'worker', worker, 'call', call, 'dequeued', now, 'started', now, 'reported', 0)
  tell(job, partition, CHANGE, '"event":"started","status":"running","data":{"attempt":' .. digits(attempt) .. '}}')
  begun[job.tier] = (begun[job.tier] or 0) + 1
  return { 1, fence, attempt, remaining(job, job.unwinding or turns), job.submitted, lost, now - (job.enqueued or now), now }
end

-- A job of a lane is known by its record alone. Servers of earlier releases wrote no version there: the worker finds it
-- in the envelope, and hands the job back.
local function served_by_record(job)
  local versions, version = serves[job.kind], tonumber(job.version or 1)
  local served = versions and versions[1] <= version and version <= versions[2]
  return served, version, served and version < versions[2]
end

local function is_pinned(job) return job.saga and redis.call('HEXISTS', job_key(job.id), 'pinned') == 1 end

-- Has a job wait for a worker that serves it. If one was lost while it ran the job, the worker's fence is stale from here.
local function wait_for_kind(job, entry, kind, version, pinned)
  local key = job_key(job.id)
  job.entry, job.seq = entry, job.seq + 1
  if job.state == RUNNING then
    remember(job.id, 'lost', '')
    redis.call('HSET', key, 'state', QUEUED, 'fence', job.fence + 1, 'lost', job.lost + 1, 'enqueued', now)
    redis.call('HDEL', key, 'worker')
  end
  wait_in_line(job, kind, version, pinned)
  redis.call('HSET', key, 'seq', job.seq)
  tell(job, partition, CHANGE, '"event":"queued","status":"queued","data":' ..
    cjson.encode({ waits_for = 'a worker that serves ' .. kind .. ((version ~= 1 or pinned) and ' in version ' .. version or '')
      .. (pinned and ', to which it is pinned' or '') }) .. '}')
end

-- Starts an attempt for an entry, or finds why it must not start; returns the reply.
-- kind, version: of a job that the worker does not serve, or (upcast) serves by an upcast.
local function start(tier, entry, id, kind, version, upcast)
  local job = load(id, tier)
  local state = job.state
  if state then check(job) end
  if job.unwinding then job.deadline = false end
  -- If a client or an operator asked that it stop, its worker was lost before it could obey.
  local need = needs[job.kind]
  local ends = job.cancel and CANCELLED or job.deadline and tonumber(job.deadline) <= now and EXPIRED
  if not state or job.entry ~= entry or (state ~= QUEUED and state ~= RUNNING) then
    acknowledge(tier, entry)
    return NOT_STARTED
  end
  if state == RUNNING and job.call == call then
    use_need(need)
    return repeat_start(job)
  end
  if ends or kind then read_into(job, OTHER_FIELDS) end
  if ends and not turn(job, ends) then
    acknowledge(tier, entry)
    job.seq = job.seq + 1
    end_plainly(job, partition, ends, ttl)
    return NOT_STARTED
  end
  if not kind and serves then
    local served, found, by_upcast = served_by_record(job)
    if not served or by_upcast then
      kind, version, upcast = job.kind, found, by_upcast
      read_into(job, OTHER_FIELDS)
    end
  end
  if kind then
    local pinned = is_pinned(job)
    if pinned or not upcast then
      wait_for_kind(job, entry, kind, version, pinned)
      return NOT_STARTED
    end
  end
  if need and (free[need] or 0) <= 0 then
    if keeps_place(need, tier, entry) then return ASK_AGAIN end
    set_apart(need, id, tier, entry)
    return NOT_STARTED
  end
  if not (job.unwinding or ends) and must_wait(job, entry) then return NOT_STARTED end
  use_need(need)
  return start_attempt(job, ends)
end

-- Starts a job whose record may be broken: it then leaves the stream, and ends.
local function try_start(tier, entry, id, kind, version, upcast)
  local done_well, reply = pcall(start, tier, entry, id, kind, version, upcast)
  if done_well then return reply end
  faults[#faults + 1] = fault_with(id, reply)
  acknowledge(tier, entry)
  pcall(give_up, id, partition, ttl, BROKEN)
  return NOT_STARTED
end

local function start_drawn(tier, lane, found, call_before)
  local id, place_of_it = job_in(found), found[1] .. '/' .. lane
  if call_before and load_job(id, { 'call' }).call ~= call_before then return end
  local reply = try_start(tier, place_of_it, id)
  if reply[1] == 1 then
    drawn[#drawn + 1] = { tier, place_of_it, id, envelope_of(found), reply }
  end
end

-- Finds what this call has started before, if it is a repetition.
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
  local found = take_new(ready_key(tier, lane), worker, count)
  for _, one in ipairs(found) do start_drawn(tier, lane, one) end
  if #found > 1 then spare[tier] = spare[tier] - (#found - 1) end
  if #found < count then
    close_lane(tier, lane)
  else
    give_turn(tier, lane)
  end
end

local function start_item(item)
  local tier, entry, id, kind, version, upcast = unpack(item)
  if string.sub(id, 1, 1) ~= '/' then return try_start(tier, entry, id, kind, version, upcast == 1) end
  local done_well, reason = pcall(take_turn, tier, entry, string.sub(id, 2))
  if not done_well then faults[#faults + 1] = fault_with(id, reason) end
  return NOT_STARTED
end

local replies = for_each(items, start_item)
for tier, count in pairs(begun) do measure(tier, count) end
conclude()
local waiting = {}
for stream, whose in pairs(apart) do
  whose[3] = unheld(stream)
  waiting[#waiting + 1] = whose
end
return cmsgpack.pack({ replies, drawn, waiting, faults })
