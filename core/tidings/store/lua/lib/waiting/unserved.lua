-- Jobs that wait aside for a worker that serves their kind in their version.
--
-- Workers of one queue may serve different kinds, as during a deploy. A worker that reads a job which it cannot run puts it
-- into the line of its tier, kind and version, a sorted set: `unserved:standard/order@2`. The job stays `queued`, and steps
-- aside (lib/waiting/limits.lua); its record names the line. Workers that serve the line take from it (take_unserved.lua), and no
-- others do: so no job goes back and forth. `unserved` holds the lines in which something may wait, each with the time of
-- its opening.
-- A saga that an operator has pinned to its version (sagas/saga_act.lua) waits in a line of its own, `standard/order@2!pinned`:
-- of that take only workers whose own version it is, and not those with an upcast.
local PINNED = '!pinned'

local function line_of(tier, kind, version) return tier .. '/' .. kind .. '@' .. string.format('%.0f', version) end

-- The lines that this script has put jobs into. Workers get their names with one message.
local MOST_NAMED = 20
local lined
local function publish_unserved()
  publish_due('kind ' .. (#lined > MOST_NAMED and '*' or table.concat(lined, ' ')))
end
local function name_line(line)
  lined = lined or {}
  if #lined <= MOST_NAMED and lined[#lined] ~= line then lined[#lined + 1] = line end
end

-- Puts a job that a worker holds, or has begun, into the line of its kind and version.
-- pinned: whether it is a saga that is pinned to its version.
local function wait_in_line(job, kind, version, pinned)
  local id, tier, line = job.id, job.tier, line_of(job.tier, kind, version) .. (pinned and PINNED or '')
  local ms, number = string.match(job.entry, '^(%d+)-(%d+)')
  step_aside(id, tier, job.entry, false)
  redis.call('HSET', job_key(id), 'unserved', line)
  redis.call('ZADD', unserved_key(line), ms * 1000 + math.min(number, 999), id)
  redis.call('HSETNX', unserved_lines_key, line, now)
  if job.limit then leave_limit(job.limit, id) end
  name_line(line)
end
