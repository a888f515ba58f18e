-- The ready streams of a tier: its own, those of its lanes, and those of jobs that were set apart.
--
-- Lanes are stochastic fair queueing (P. E. McKenney, 1990). A caller with more live jobs than `direct_of` gets no more
-- of them into the tier's stream: they wait in one of LANES streams of the tier, chosen by the caller's name, and the
-- lane has one entry in the tier's stream, its turn (its id is `/<lane>`). The worker that takes a turn starts a job of
-- the lane (start.lua) and puts the turn back at the end. So however many jobs one caller has, at most so many of them
-- and one turn stand before another caller's jobs. Workers read the tiers' streams only, and callers with few jobs pay
-- nothing. A field of the tier's flow, ` 3 7 `, names the lanes that have a turn: something waits in those.

local LANES = 16
local DIRECT = 8
local FLOW_TTL = 3600000
local lanes, lanes_changed = {}, {}

-- Jobs of some kinds need a thread or a process of the worker's own, of which it has only so many. If a worker takes
-- such a job while it has none free, the job is set apart: it goes to the stream of its tier for that need, where any
-- worker that has one free may take it. It stays queued; only the place of its entry changes. Such a stream is named
-- like a lane (`/thread`) and stands among the lanes in the tier's flow while something may be in it, but it has no
-- turn: workers read it beside the tier's own stream.
local NEEDS = { 'thread', 'process' }

-- Where the jobs lie that workers took out of the lines of those that wait for their kind (lib/waiting/unserved.lua): a stream in
-- which every entry has its worker.
local OF_LINES = 'kind'

-- Returns where an entry lies: the key of its stream, and its id there. An entry of a lane is written `<id>/<lane>`,
-- so that tier and entry together name the place everywhere.
local function place(tier, entry)
  local cut = string.find(entry, '/', 1, true)
  if not cut then return ready_key(tier), entry end
  return ready_key(tier, string.sub(entry, cut + 1)), string.sub(entry, 1, cut - 1)
end

-- Takes an entry out of its ready stream at the end of the script, with all others of its stream.
local done = {}
local function acknowledge(tier, entry)
  local stream, id = place(tier, entry)
  local entries = done[stream]
  if not entries then
    entries = {}
    done[stream] = entries
  end
  entries[#entries + 1] = id
end

local function write_acknowledged()
  for stream, entries in pairs(done) do
    if type(redis.pcall('XACK', stream, GROUP, unpack(entries))) == 'table' then -- a record names what is no entry
      for _, entry in ipairs(entries) do
        redis.pcall('XACK', stream, GROUP, entry)
        redis.pcall('XDEL', stream, entry)
      end
    else
      redis.call('XDEL', stream, unpack(entries))
    end
  end
end

local function know_lanes(tier, found)
  lanes[tier] = found and string.find(found, '^ [%w ]*$') and found or ' '
end

local function lanes_of(tier)
  if not lanes[tier] then know_lanes(tier, redis.call('HGET', flow_key(tier), 'lanes')) end
  return lanes[tier]
end

local function has_lane(tier, lane) return string.find(lanes_of(tier), ' ' .. lane .. ' ', 1, true) ~= nil end

local function note_lane(tier, lane)
  lanes[tier] = lanes_of(tier) .. lane .. ' '
  lanes_changed[tier] = true
end

local function give_turn(tier, lane)
  redis.call('XADD', ready_key(tier), '*', 'id', '/' .. lane, 'env', '')
end

local function open_lane(tier, lane)
  if has_lane(tier, lane) then return end
  note_lane(tier, lane)
  give_turn(tier, lane)
end

local function close_lane(tier, lane)
  lanes[tier] = string.gsub(lanes_of(tier), ' ' .. lane .. ' ', ' ', 1)
  lanes_changed[tier] = true
end

local function note_apart(tier, need)
  if not has_lane(tier, need) then note_lane(tier, need) end
end

local function write_lanes()
  for tier in pairs(lanes_changed) do
    redis.call('HSET', flow_key(tier), 'lanes', lanes[tier])
    if lanes[tier] == ' ' then
      redis.call('PEXPIRE', flow_key(tier), FLOW_TTL)
    else
      redis.call('PERSIST', flow_key(tier))
    end
  end
end

-- The lanes of callers that this script has asked for.
local lane_names = {}
local function lane_of(caller)
  local lane = lane_names[caller]
  if not lane then
    lane = tostring(tonumber(string.sub(redis.sha1hex(caller), 1, 4), 16) % LANES)
    lane_names[caller] = lane
  end
  return lane
end

-- How many live jobs of a caller go to the tier's own stream. Servers have a setting for it; the tier's flow holds it
-- where it is not DIRECT (submit.lua), for jobs that are queued again by a worker.
local directs = {}
local function know_direct(tier, found)
  directs[tier] = tonumber(found) or DIRECT
end
local function direct_of(tier)
  if not directs[tier] then know_direct(tier, redis.call('HGET', flow_key(tier), 'direct')) end
  return directs[tier]
end

-- The lane of a job that lives already; nil: the tier's own stream. caller: false if the job has none.
local function lane_again(tier, caller)
  return caller and live_of(caller) > direct_of(tier) and lane_of(caller) or nil
end

-- Takes up to `count` new entries of a stream for a worker. The first call makes the stream's group.
local function take_new(stream, worker, count)
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

-- An entry holds the job's id and its envelope. An entry that no script wrote may hold neither.
local function job_in(entry)
  local id = entry[2] and entry[2][2] or ''
  return string.find(id, '^/?[%w_-]*$') and id or ''
end
local function envelope_of(entry) return entry[2] and entry[2][4] or '' end

local function envelope_in(tier, entry)
  local stream, id = place(tier, entry)
  local found = redis.call('XRANGE', stream, id, id)
  return found[1] and envelope_of(found[1]) or ''
end

-- Puts an envelope into its tier's stream, or into a lane; returns where it lies.
local function append(id, tier, envelope, lane)
  if not lane then return redis.call('XADD', ready_key(tier), '*', 'id', id, 'env', envelope) end
  open_lane(tier, lane)
  return redis.call('XADD', ready_key(tier, lane), '*', 'id', id, 'env', envelope) .. '/' .. lane
end

-- Puts a job that lives already into its ready stream, and writes that into its record.
-- caller: a field of its record, false if it has none; nil: not read yet.
local function enqueue(id, tier, envelope, caller)
  local key = job_key(id)
  if caller == nil then caller = redis.call('HGET', key, 'caller') end
  local entry = append(id, tier, envelope, lane_again(tier, caller))
  redis.call('HSET', key, 'state', QUEUED, 'entry', entry, 'enqueued', now)
  return entry
end

-- Counts the entries of a stream that no worker holds and those that one does; returns also the last that the store
-- gave to a worker.
local function unheld(stream)
  local groups, held, given = redis.pcall('XINFO', 'GROUPS', stream), 0, '0-0'
  if groups.err then return 0, 0, given end -- no job was ever queued there, and no worker has joined
  for _, group in ipairs(groups) do
    for i = 1, #group, 2 do
      if group[i] == 'pending' then held = held + group[i + 1] end
      if group[i] == 'last-delivered-id' then given = group[i + 1] end
    end
  end
  return redis.call('XLEN', stream) - held, held, given
end

-- The streams of a tier that exist: its own, those of its lanes, and those of what is set apart.
local function streams_of(tier)
  local found = { ready_key(tier) }
  for lane = 0, LANES - 1 do
    local stream = ready_key(tier, lane)
    if redis.call('EXISTS', stream) == 1 then found[#found + 1] = stream end
  end
  for _, name in ipairs({ OF_LINES, unpack(NEEDS) }) do
    local stream = ready_key(tier, name)
    if redis.call('EXISTS', stream) == 1 then found[#found + 1] = stream end
  end
  return found
end

-- Counts jobs that wait for a worker: those in a tier's stream (less the turns of its lanes) or set apart, and those in
-- its lanes.
local function count_waiting(tier)
  local direct, laned = unheld(ready_key(tier)), 0
  for lane in string.gmatch(lanes_of(tier), '%d+') do
    direct = direct - 1
    laned = laned + unheld(ready_key(tier, lane))
  end
  for need in string.gmatch(lanes_of(tier), '%a+') do
    direct = direct + unheld(ready_key(tier, need))
  end
  return math.max(direct, 0), laned
end
