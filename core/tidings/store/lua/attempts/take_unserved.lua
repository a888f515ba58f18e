#!lua flags=allow-oom
-- Takes jobs that wait for a worker that serves their kind in their version (lib/waiting/unserved.lua), for one that does; and
-- sagas that are held (lib/saga.lua), for one whose code none of them has been tried with.
--
-- Atomic, because a job must lie in its line or with a worker, and because two workers must not take one job.
--
-- args = { worker, tiers, serves, most, partition, codes };  serves: kind -> { oldest, newest version }
--   codes: kind -> digest of its code, of those whose held sagas the worker takes
-- Reply: MessagePack array of up to `most` { tier, entry, id, envelope }: those that have waited longest.
--   It stops early where the envelopes are many bytes.
-- O(lines + lines that are served · most).

local worker, tiers, serves, most, partition, codes = unpack(args)
local TAKEN_BYTES = 4194304
local wanted, waiting, taken, bytes = {}, {}, {}, 0

for _, tier in ipairs(tiers) do wanted[tier] = 0 end

-- Returns the tier of a line that this worker serves; nil: it does not. `own`: only if its own version is that of the line.
local function tier_in(tier, kind, version, own)
  local versions = tier and wanted[tier] and serves[kind]
  version = tonumber(version)
  return versions and (own and versions[2] or versions[1]) <= version and version <= versions[2] and tier or nil
end

local function tier_served(line)
  local tier, kind, version, rest = string.match(line, '^([^/]+)/(.+)@(%d+)(.*)$')
  if rest ~= '' and rest ~= PINNED then return nil end
  return tier_in(tier, kind, version, rest == PINNED)
end

-- A held saga is tried by each code once.
local function tier_of_untried(line)
  local tier, kind, version, tried = string.match(line, '^([^/]+)/(.+)@(%d+)!(.+)$')
  local code = kind and codes[kind]
  if not code or tried == '*' or string.find(',' .. tried .. ',', ',' .. code .. ',', 1, true) then return nil end
  return tier_in(tier, kind, version)
end

local function look_into(line, tier, key, lines_key, held)
  local found = redis.pcall('ZRANGE', key, 0, most - 1, 'WITHSCORES')
  if found.err or #found == 0 then redis.call('HDEL', lines_key, line) end
  for i = 1, #found, 2 do
    waiting[#waiting + 1] = { id = found[i], since = tonumber(found[i + 1]), line = line, tier = tier, held = held }
  end
end

local function put_aside_for_worker(one, envelope)
  local entry = redis.call('XADD', ready_key(one.tier, OF_LINES), '*', 'id', one.id, 'env', envelope)
  bytes = bytes + #envelope
  wanted[one.tier] = wanted[one.tier] + 1
  return entry .. '/' .. OF_LINES
end

local FIELDS = { 'state', 'tier', 'entry', 'envelope', 'unserved' }

-- Gives a job to this worker. Returns whether it still waits in its line.
local function give(one)
  local job = load_job(one.id, FIELDS)
  if job.unserved ~= one.line or job.state ~= QUEUED or job.entry or not job.envelope or job.tier ~= one.tier then
    redis.call('ZREM', unserved_key(one.line), one.id) -- a process of an earlier release has moved it
    return false
  end
  leave_aside(one.id, one.tier)
  redis.call('HSET', job_key(one.id), 'entry', put_aside_for_worker(one, job.envelope))
  redis.call('HDEL', job_key(one.id), 'envelope')
  return true
end

local HELD_FIELDS = { 'state', 'seq', 'watchers', 'tier', 'envelope', 'awaits', 'held_in' }

local function give_held(one)
  local job, key = load_job(one.id, HELD_FIELDS), job_key(one.id)
  if job.held_in ~= one.line or job.state ~= WAITING or job.awaits ~= HELD or not job.envelope or job.tier ~= one.tier then
    leave_hold(one.id, one.line) -- a process of an earlier release has moved it
    return false
  end
  job.seq = check_record(job.state, job.seq) + 1
  redis.call('ZREM', scheduled_key, one.id)
  redis.call('HSET', key, 'state', QUEUED, 'seq', job.seq, 'enqueued', now, 'entry', put_aside_for_worker(one, job.envelope))
  end_wait(one.id)
  tell(job, partition, CHANGE, bare_tail(QUEUED))
  return true
end

local function try_to_give_held(one)
  local done_well, given = pcall(give_held, one)
  if not done_well then leave_hold(one.id, one.line) end -- what lies there is no saga that a script held
  return done_well and given
end

-- Has this worker hold what was put into a tier's stream.
local function hold_given(tier, count)
  for _, entry in ipairs(take_new(ready_key(tier, OF_LINES), worker, count)) do
    taken[#taken + 1] = { tier, entry[1] .. '/' .. OF_LINES, job_in(entry), envelope_of(entry) }
  end
end

-- Returns the lines that a hash names; what lies there and is no hash goes.
local function lines_in(key)
  local lines = redis.pcall('HKEYS', key)
  if not lines.err then return lines end
  redis.call('DEL', key)
  return {}
end

for _, line in ipairs(lines_in(unserved_lines_key)) do
  local tier = tier_served(line)
  if tier then look_into(line, tier, unserved_key(line), unserved_lines_key, false) end
end
if next(codes) then
  for _, line in ipairs(lines_in(held_sagas_key)) do
    local tier = tier_of_untried(line)
    if tier then look_into(line, tier, held_sagas_of_key(line), held_sagas_key, true) end
  end
end
table.sort(waiting, function(one, other) return one.since < other.since end)

local given = 0
for _, one in ipairs(waiting) do
  if given >= most or bytes >= TAKEN_BYTES then break end
  local gives = one.held and try_to_give_held or give
  if gives(one) then given = given + 1 end
end
for tier, count in pairs(wanted) do
  if count > 0 then hold_given(tier, count) end
end
conclude()

return cmsgpack.pack(taken)
