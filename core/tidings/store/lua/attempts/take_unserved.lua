#!lua flags=allow-oom
-- Takes jobs that wait for a worker that serves their kind in their version (lib/unserved.lua), for one that does.
--
-- Atomic, because a job must lie in its line or with a worker, and because two workers must not take one job.
--
-- args = { worker, tiers, serves, most };  serves: kind -> { oldest, newest version }
-- Reply: MessagePack array of up to `most` { tier, entry, id, envelope }: those that have waited longest.
--   It stops early where the envelopes are many bytes.
-- O(lines + lines that are served · most).

local worker, tiers, serves, most = unpack(args)
local TAKEN_BYTES = 4194304
local wanted, waiting, taken, bytes = {}, {}, {}, 0

for _, tier in ipairs(tiers) do wanted[tier] = 0 end

-- Returns the tier of a line that this worker serves; nil: it does not.
local function tier_served(line)
  local tier, kind, version = string.match(line, '^([^/]+)/(.+)@(%d+)$')
  local versions = tier and wanted[tier] and serves[kind]
  version = tonumber(version)
  return versions and versions[1] <= version and version <= versions[2] and tier or nil
end

local function look_into(line, tier)
  local found = redis.pcall('ZRANGE', unserved_key(line), 0, most - 1, 'WITHSCORES')
  if found.err or #found == 0 then redis.call('HDEL', unserved_lines_key, line) end
  for i = 1, #found, 2 do
    waiting[#waiting + 1] = { id = found[i], since = tonumber(found[i + 1]), line = line, tier = tier }
  end
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
  local entry = redis.call('XADD', ready_key(one.tier, OF_LINES), '*', 'id', one.id, 'env', job.envelope)
  redis.call('HSET', job_key(one.id), 'entry', entry .. '/' .. OF_LINES)
  redis.call('HDEL', job_key(one.id), 'envelope')
  bytes = bytes + #job.envelope
  wanted[one.tier] = wanted[one.tier] + 1
  return true
end

-- Has this worker hold what was put into a tier's stream.
local function hold_given(tier, count)
  for _, entry in ipairs(take_new(ready_key(tier, OF_LINES), worker, count)) do
    taken[#taken + 1] = { tier, entry[1] .. '/' .. OF_LINES, job_in(entry), envelope_of(entry) }
  end
end

local lines = redis.pcall('HKEYS', unserved_lines_key)
if lines.err then -- what lies there is no hash
  redis.call('DEL', unserved_lines_key)
  lines = {}
end
for _, line in ipairs(lines) do
  local tier = tier_served(line)
  if tier then look_into(line, tier) end
end
table.sort(waiting, function(one, other) return one.since < other.since end)

local given = 0
for _, one in ipairs(waiting) do
  if given >= most or bytes >= TAKEN_BYTES then break end
  if give(one) then given = given + 1 end
end
for tier, count in pairs(wanted) do
  if count > 0 then hold_given(tier, count) end
end
conclude()

return cmsgpack.pack(taken)
