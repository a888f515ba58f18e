-- What keeps a job from starting: another job with its unique value, the limit of its kind, the rate of its kind.

-- Returns the id of the live job that holds a unique value, if any.
local function holder(suffix)
  local id = redis.call('GET', unique_key(suffix))
  local state = id and load_job(id, { 'state' }).state
  return state and not terminal(state) and id or nil
end

local function hold(suffix, id, for_ms)
  if for_ms > 0 then
    redis.call('SET', unique_key(suffix), id, 'PX', for_ms)
  else
    redis.call('SET', unique_key(suffix), id)
  end
end

-- A job that a limit or a rate of its kind keeps from starting steps aside: it is `queued`, but lies in no stream. Its
-- record keeps the envelope, and has no `entry`. If it waits for a place of a limit it is a member of the limit's
-- `limited`, by when it was queued; if it waits for its turn by a rate it lies in the schedule. A deadline lies there
-- too. The flow of the tier counts such jobs: `aside`.
local function step_aside(id, tier, entry, deadline)
  local key = job_key(id)
  redis.call('HSET', key, 'envelope', envelope_in(tier, entry))
  redis.call('HDEL', key, 'entry')
  acknowledge(tier, entry)
  add_to(flow_key(tier), 'aside', 1)
  redis.call('PERSIST', flow_key(tier))
  if deadline then schedule(id, tonumber(deadline)) end
end

-- A job that waits for a worker that serves its kind stands in a line (lib/waiting/unserved.lua), which closes with its last job.
local function leave_line(id, line)
  redis.call('ZREM', unserved_key(line), id)
  redis.call('HDEL', job_key(id), 'unserved')
  if redis.call('EXISTS', unserved_key(line)) == 0 then redis.call('HDEL', unserved_lines_key, line) end
end

local function is_in_line(id, line)
  return line and redis.call('ZSCORE', unserved_key(line), id) and true or false
end

-- A job stands aside no more, whatever becomes of it.
local function leave_aside(id, tier)
  add_to(flow_key(tier), 'aside', -1)
  redis.call('ZREM', scheduled_key, id)
  local line = redis.call('HGET', job_key(id), 'unserved')
  if line then leave_line(id, line) end
end

local function step_back(id, tier, envelope, caller)
  leave_aside(id, tier)
  local key = job_key(id)
  redis.call('HSET', key, 'entry', append(id, tier, envelope, lane_again(tier, caller)))
  redis.call('HDEL', key, 'envelope')
end

-- A limit is a set of the jobs that have a place: those that run, and those that a worker may start at once.

-- Gives a place to the job that has waited longest; returns whether there was one.
local WAITING_FIELDS = { 'state', 'tier', 'entry', 'envelope', 'caller' }
local function admit_next(limit)
  while true do
    local id = redis.call('ZPOPMIN', limited_key(limit))[1]
    if not id then return false end
    local job = load_job(id, WAITING_FIELDS)
    if job.state == QUEUED and not job.entry and job.envelope then
      redis.call('SADD', limit_key(limit), id)
      step_back(id, job.tier, job.envelope, job.caller)
      return true
    end
  end
end

-- Gives the places that are free.
local function fill(limit, most)
  while redis.call('SCARD', limit_key(limit)) < most and admit_next(limit) do end
end

-- A job gives up its place, or its wish for one.
local function leave_limit(limit, id)
  if redis.call('SREM', limit_key(limit), id) == 1 then
    admit_next(limit)
  else
    redis.call('ZREM', limited_key(limit), id)
  end
end
