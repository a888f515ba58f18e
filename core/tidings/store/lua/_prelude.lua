-- Stands before every script: names, time, events.
--
-- KEYS[1] is the root of one partition, `t:{partition}:`; every key is derived from it here, and
-- broker/keys.py makes the same names in Python (a test compares). All lie in one slot.
-- ARGV[1] is a MessagePack array; what it holds is said at the top of each script.
-- ARGV[2] stands before the names of all channels: it tells the store's databases apart, which share their channels
-- (broker/connection.py); missing in database 0.
--
-- What stands at the left margin, here and in every script, is a function or a CONSTANT, made once when the library is
-- loaded; a variable, set anew by each call; or a statement that each call runs (broker/library.py).

local root = KEYS[1]
local args = cmsgpack.unpack(ARGV[1])
local channels = (ARGV[2] or '') .. root

local GROUP = 'workers'
local function ready_key(tier, lane)
  return root .. 'ready:' .. tier .. (lane and '/' .. lane or '')
end
local function job_key(id) return root .. 'job:' .. id end
local function log_key(id) return root .. 'log:' .. id end
local function steps_key(id) return root .. 'steps:' .. id end
local outbox_key = root .. 'outbox'
local scheduled_key = root .. 'scheduled'
local dead_key = root .. 'dead'
local recurring_key = root .. 'recurring'
local callers_key = root .. 'callers'
local caller_bytes_key = root .. 'caller-bytes'
local deadlines_key = root .. 'deadlines'
local function flow_key(tier) return root .. 'flow:' .. tier end
local function unique_key(suffix) return root .. 'unique:' .. suffix end
local function limit_key(suffix) return root .. 'limit:' .. suffix end
local function limited_key(suffix) return root .. 'limited:' .. suffix end
local function rate_key(kind) return root .. 'rate:' .. kind end
local function sheddable_key(tier) return root .. 'sheddable:' .. tier end
local function held_key(breaker) return root .. 'held:' .. breaker end
local released_key = root .. 'released'
local chronicle_key = root .. 'chronicle'
local ended_key = root .. 'ended'
-- Of the registry's partition only.
local kinds_key = root .. 'kinds'
local workers_key = root .. 'workers'
local function worker_key(worker) return root .. 'worker:' .. worker end
-- Of the breakers' partition only.
local breakers_key = root .. 'breakers'
local breakers_changed = channels .. 'changed'
local function breaker_key(name) return root .. 'breaker:' .. name end

-- The classes of events (contract/event.py, EventClass).
local PROGRESS, LOG, CHANGE, FINAL = 0, 1, 2, 3

-- The transitions of contract/state.py; what follows a state is one text.
local NEXT = {
  scheduled = ' queued cancelled expired ',
  queued = ' running failed cancelled expired ',
  running = ' succeeded failed scheduled waiting queued cancelled expired ',
  waiting = ' queued cancelled expired ',
  succeeded = ' ', failed = ' ', cancelled = ' ', expired = ' ',
}
local function leads(table, from, to)
  return table[from] ~= nil and string.find(table[from], ' ' .. to .. ' ', 1, true) ~= nil
end
local function may(from, to) return leads(NEXT, from, to) end
local function terminal(state) return NEXT[state] == ' ' end

-- What a batch holds are items of many callers. What goes wrong with one of them, because its record holds what no
-- script wrote there, is that item's own answer: a text that begins with `!` (broker/script.py). The others go on.
-- What the store refuses to everybody at the time (REFUSALS) ends the call.
local REFUSALS = ' NOPERM OOM MISCONF READONLY NOREPLICAS '
local function fault_of(reason)
  local text = type(reason) == 'table' and reason.err or tostring(reason)
  local word = string.match(text, '^%-?(%u+) ')
  if string.find(text, 'ACL failure in script', 1, true) or word and string.find(REFUSALS, ' ' .. word .. ' ', 1, true) then
    error(reason, 0)
  end
  return '!' .. string.gsub(string.sub(text, 1, 300), '[^ -~]', '?')
end

local function for_each(items, handle)
  local replies = {}
  for i, item in ipairs(items) do
    local done_well, reply = pcall(handle, item)
    replies[i] = done_well and reply or fault_of(reply)
  end
  return replies
end

-- A whole number that a record holds, from 0 to what Lua writes without an exponent. Errors: it is none.
local function whole(value, name)
  if not value or #value > 15 or not string.find(value, '^%d+$') then
    error('the record is broken: ' .. name .. ' is ' .. string.sub(tostring(value), 1, 40), 0)
  end
  return tonumber(value)
end

-- See that a record says what every record of a job says. Returns its number.
local function check_record(state, seq)
  if not NEXT[state] then error('the record is broken: state is ' .. string.sub(tostring(state), 1, 40), 0) end
  return whole(seq, 'seq')
end

-- The last moment that can be written as RFC 3339, ms since the epoch.
local LAST_MS = 253402300799999

-- A count that several share. One that is none is taken for 0: it must not stop them all.
local function count_in(value)
  local count = tonumber(value)
  return count and count == count and math.abs(count) < 1e15 and count or 0
end

-- Adds to such a count in a hash, and returns what it is then. One that is none begins again.
local function add_to(key, field, change)
  local sum = redis.pcall('HINCRBY', key, field, change)
  if type(sum) ~= 'table' then return sum end
  if string.find(sum.err, 'WRONGTYPE', 1, true) then redis.call('DEL', key) end
  redis.call('HSET', key, field, change)
  return change
end

-- The store's clock is the only clock.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- RFC 3339 of ms since the epoch, by Howard Hinnant's days-to-civil algorithm.
local function rfc3339(ms)
  local s = math.floor(ms / 1000)
  local z = math.floor(s / 86400) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  local sod = s % 86400
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
    math.floor(sod / 3600), math.floor(sod / 60) % 60, sod % 60, ms % 1000)
end
local at

-- Events are gathered for each gateway and published once, at the end of the script. An event
-- whose frame is larger than the cap travels without it: the gateway fetches the job instead, so
-- that no message comes near the store's output-buffer limit for subscribers (by default 32 MB at once,
-- or 8 MB for 60 s). While a script runs the store writes to nobody, so what one script publishes to one
-- gateway is bounded too: past that, events travel without their frames.
local FRAME_CAP = 65536
local MESSAGE_CAP = 1048576
local SCRIPT_CAP = 4194304
local outboxes = {}

local function frame_of(partition, id, seq, tail)
  at = at or rfc3339(now)
  return '{"type":"event","token":"' .. partition .. '.' .. id .. '","seq":' .. seq ..
    ',"at":"' .. at .. '",' .. tail
end

local function publish(gateway, box)
  if box.count > 0 then
    redis.call('PUBLISH', channels .. 'inbox:' .. gateway, cmsgpack.pack(box.entries))
    box.entries, box.count, box.bytes = {}, 0, 0
  end
end

-- The tail of an event that has no data and is named as its state.
local function bare_tail(state)
  return '"event":"' .. state .. '","status":"' .. state .. '","data":{}}'
end

-- tail: the frame's text from "event" on, closing brace included.
local function tell(watchers, partition, id, seq, class, tail)
  if not watchers or watchers == '' then return end
  local frame = #tail <= FRAME_CAP and frame_of(partition, id, seq, tail) or ''
  local token = partition .. '.' .. id
  local entry = { token, seq, class, frame }
  for gateway in string.gmatch(watchers, '%S+') do
    local box = outboxes[gateway]
    if not box then
      box = { entries = {}, count = 0, bytes = 0, sent = 0 }
      outboxes[gateway] = box
    end
    local fits = box.sent + #frame <= SCRIPT_CAP
    local size = fits and #frame or 0
    if box.bytes + size > MESSAGE_CAP then publish(gateway, box) end
    box.count = box.count + 1
    box.bytes = box.bytes + size
    box.sent = box.sent + size
    box.entries[box.count] = fits and entry or { token, seq, class, '' }
  end
end

-- Live jobs of each caller, and the bytes of their envelopes: counted for the whole script, written once at its end.
local tallies, weights = {}, {}
local function tally(caller, change, bytes)
  if not caller or caller == '' then return end
  tallies[caller] = (tallies[caller] or 0) + change
  if bytes then weights[caller] = (weights[caller] or 0) + change * count_in(bytes) end
end

-- The id of the live job that holds a unique value, if any.
local function holder(suffix)
  local id = redis.call('GET', unique_key(suffix))
  local state = id and redis.call('HGET', job_key(id), 'state')
  return state and not terminal(state) and id or nil
end

local function hold(suffix, id, for_ms)
  if for_ms > 0 then
    redis.call('SET', unique_key(suffix), id, 'PX', for_ms)
  else
    redis.call('SET', unique_key(suffix), id)
  end
end

-- Of a job whose record has the field `saga`: what it took its steps for ends here. The journal leaves with the
-- record, and whoever called it as a child is told through the outbox, from which a relay takes it to the
-- parent's partition.
local nudges = true -- whether the relays must be told; not by the script whose worker relays at once
local function close_saga(id, state, ttl)
  redis.call('PEXPIRE', steps_key(id), ttl)
  local parent = redis.call('HGET', job_key(id), 'parent')
  if parent then
    redis.call('XADD', outbox_key, '*', 'parent', parent, 'id', id, 'state', state)
    if nudges then redis.call('PUBLISH', channels .. 'due', 0) end
  end
end

-- Where an entry lies: the key of its stream, and its id there. One of a lane is written `<id>/<lane>`, so that
-- tier and entry together name the place everywhere.
local function place(tier, entry)
  local cut = string.find(entry, '/', 1, true)
  if not cut then return ready_key(tier), entry end
  return ready_key(tier, string.sub(entry, cut + 1)), string.sub(entry, 1, cut - 1)
end

-- Takes an entry out of its ready stream for good, at the end of the script, with all others of its stream.
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

-- Lanes: stochastic fair queueing (P. E. McKenney, 1990). Who has so many jobs (`direct_of`) or more that live gets no more of
-- them into the tier's stream: they wait in one of LANES streams of the tier, chosen by who it is, and the lane has
-- one entry in the tier's stream, its turn (its id is `/<lane>`). What takes a turn starts a job of the lane
-- (start.lua) and puts the turn back at the end: so however many jobs one caller has, at most so many of them and a
-- turn stand before another's. Workers read the tiers' streams only, and whoever has few jobs pays nothing.
-- Which lanes have a turn is a field of the tier's flow, ` 3 7 `: those are the lanes in which something waits.
local LANES = 16
local DIRECT = 8
local FLOW_TTL = 3600000
local lanes, lanes_changed = {}, {}

local function know_lanes(tier, found)
  lanes[tier] = found and string.find(found, '^ [%d ]*$') and found or ' '
end

local function lanes_of(tier)
  if not lanes[tier] then know_lanes(tier, redis.call('HGET', flow_key(tier), 'lanes')) end
  return lanes[tier]
end

local function give_turn(tier, lane)
  redis.call('XADD', ready_key(tier), '*', 'id', '/' .. lane, 'env', '')
end

local function open_lane(tier, lane)
  if string.find(lanes_of(tier), ' ' .. lane .. ' ', 1, true) then return end
  lanes[tier] = lanes[tier] .. lane .. ' '
  lanes_changed[tier] = true
  give_turn(tier, lane)
end

local function close_lane(tier, lane)
  lanes[tier] = string.gsub(lanes_of(tier), ' ' .. lane .. ' ', ' ', 1)
  lanes_changed[tier] = true
end

-- What a worker has only so many of, and a job of some kinds needs one of: a thread, or a process of its own. A job that
-- a worker takes while it has none free is set apart: it goes to the stream of its tier for what needs the like, where
-- it lies at the disposal of every worker that has one. It is queued as before; only the place of its entry is another.
-- Such a stream is named like a lane (`/thread`) and stands among the lanes in the tier's flow while something may be in
-- it, but has no turn: workers read it beside the tier's own.
local NEEDS = { 'thread', 'process' }

local function note_apart(tier, need)
  if string.find(lanes_of(tier), ' ' .. need .. ' ', 1, true) then return end
  lanes[tier] = lanes[tier] .. need .. ' '
  lanes_changed[tier] = true
end

local function lane_of(caller)
  return tostring(tonumber(string.sub(redis.sha1hex(caller), 1, 4), 16) % LANES)
end

-- The jobs of a caller that live; asked once a script, those of the script itself are added.
local counts = {}
local function live_of(caller)
  if not counts[caller] then counts[caller] = count_in(redis.call('HGET', callers_key, caller)) end
  return counts[caller] + (tallies[caller] or 0)
end

-- The bytes of their envelopes; a job of an earlier release is not among them.
local heavy = {}
local function bytes_of(caller)
  if not heavy[caller] then heavy[caller] = count_in(redis.call('HGET', caller_bytes_key, caller)) end
  return heavy[caller] + (weights[caller] or 0)
end

-- How many jobs of one caller stand in line before more of them go to its lane: what the servers are told, which the
-- tier's flow knows where it is not DIRECT (submit.lua).
local directs = {}
local function know_direct(tier, found)
  directs[tier] = tonumber(found) or DIRECT
end
local function direct_of(tier)
  if not directs[tier] then know_direct(tier, redis.call('HGET', flow_key(tier), 'direct')) end
  return directs[tier]
end

-- The lane of a job that lives already, where its caller (false: it has none) has too many; nil: the tier's stream itself.
local function lane_again(tier, caller)
  return caller and live_of(caller) > direct_of(tier) and lane_of(caller) or nil
end

-- What an entry of a ready stream holds: the job's id and its envelope. One that another than these scripts has put
-- there may hold neither.
local function job_in(entry)
  local id = entry[2] and entry[2][2] or ''
  return string.find(id, '^/?[%w_-]*$') and id or ''
end
local function envelope_of(entry) return entry[2] and entry[2][4] or '' end

-- Puts an envelope into its tier's stream, or into a lane; returns where it lies.
local function append(id, tier, envelope, lane)
  if not lane then return redis.call('XADD', ready_key(tier), '*', 'id', id, 'env', envelope) end
  open_lane(tier, lane)
  return redis.call('XADD', ready_key(tier, lane), '*', 'id', id, 'env', envelope) .. '/' .. lane
end

-- Puts a job that lives already into its ready stream and says so in its record.
-- caller: a field of its record, false if it has none; nil: not read yet.
local function enqueue(id, tier, envelope, caller)
  local key = job_key(id)
  if caller == nil then caller = redis.call('HGET', key, 'caller') end
  local entry = append(id, tier, envelope, lane_again(tier, caller))
  redis.call('HSET', key, 'state', 'queued', 'entry', entry, 'enqueued', now)
  return entry
end

local function envelope_in(tier, entry)
  local stream, id = place(tier, entry)
  local found = redis.call('XRANGE', stream, id, id)
  return found[1] and envelope_of(found[1]) or ''
end

-- Some jobs step aside: they are `queued`, but lie in no stream, since a limit or a rate of their kind lets none of
-- them start now. The envelope is then kept in the record, which has no `entry`; whoever waits for a place of a limit
-- is a member of its `limited`, by when it was queued; who waits for its turn by a rate lies in the schedule. A
-- deadline lies there too. The flow of the tier counts them: `aside`.
local function step_aside(id, tier, entry, deadline)
  local key = job_key(id)
  redis.call('HSET', key, 'envelope', envelope_in(tier, entry))
  redis.call('HDEL', key, 'entry')
  acknowledge(tier, entry)
  add_to(flow_key(tier), 'aside', 1)
  redis.call('PERSIST', flow_key(tier))
  if deadline then redis.call('ZADD', scheduled_key, deadline, id) end
end

-- It waits no more, whatever becomes of it.
local function leave_aside(id, tier)
  add_to(flow_key(tier), 'aside', -1)
  redis.call('ZREM', scheduled_key, id)
end

local function step_back(id, tier, envelope, caller)
  leave_aside(id, tier)
  local key = job_key(id)
  redis.call('HSET', key, 'entry', append(id, tier, envelope, lane_again(tier, caller)))
  redis.call('HDEL', key, 'envelope')
end

-- Limits: a set of the jobs that have a place, those that run and those that will run as soon as a worker takes them.
-- Gives a place to the one that has waited longest; returns whether there was one.
local function admit_next(limit)
  while true do
    local id = redis.call('ZPOPMIN', limited_key(limit))[1]
    if not id then return false end
    local state, tier, entry, envelope, caller = unpack(redis.call('HMGET', job_key(id), 'state', 'tier', 'entry',
      'envelope', 'caller'))
    if state == 'queued' and not entry and envelope then
      redis.call('SADD', limit_key(limit), id)
      step_back(id, tier, envelope, caller)
      return true
    end
  end
end

-- Gives the places that are free.
local function fill(limit, most)
  while redis.call('SCARD', limit_key(limit)) < most and admit_next(limit) do end
end

-- A job gives up its place, or its wish for one.
local function release(limit, id)
  if redis.call('SREM', limit_key(limit), id) == 1 then
    admit_next(limit)
  else
    redis.call('ZREM', limited_key(limit), id)
  end
end

-- The chronicle: what operators are shown of the jobs that have ended. Those that end in one call of a script are one
-- entry, whose id is the number of jobs that had ended in the partition by then: so it is cut by jobs, not by entries.
local keep = 0 -- how many jobs it keeps; 0: there is none. Set by the scripts that end jobs
local ended = {}
local story = nil -- of the job at hand, where its script has read what is told with other fields (report.lua)
local SEPARATOR = '\31'

-- One text for each job: packing a table for each costs the store as much as all else here. The worker's name stands
-- last, as it may hold anything.
local function chronicle(id, state, tier, kind, attempt, submitted, enqueued, started, correlation, worker)
  ended[#ended + 1] = id .. SEPARATOR .. state .. SEPARATOR .. (tier or '') .. SEPARATOR .. (kind or '') .. SEPARATOR ..
    (attempt or 0) .. SEPARATOR .. (submitted or 0) .. SEPARATOR .. (enqueued or '') .. SEPARATOR .. (started or '') ..
    SEPARATOR .. (correlation or '') .. SEPARATOR .. (worker or '')
end

-- It must never be why a job cannot end: one that does not fit its count is begun anew.
local function write_chronicle()
  local total = redis.pcall('INCRBY', ended_key, #ended)
  if type(total) == 'table' then
    redis.call('SET', ended_key, #ended)
    total = #ended
  end
  local answer = redis.pcall('XADD', chronicle_key, 'MINID', '~', math.max(total - keep, 0), total .. '-0',
    'at', now, 'jobs', cmsgpack.pack(ended))
  if type(answer) == 'table' and answer.err then redis.call('DEL', chronicle_key) end
end

-- Ends a job: the record keeps what a late watcher needs, and leaves after `ttl` ms.
-- `fields` are names and values to be written with it, its number among them: one HSET for all. The last seven
-- are fields of its record, which the caller has read with others: a call costs more than what it does.
local function finish(id, state, fields, ttl, logged, caller, unique, saga, limit, size, deadline)
  local key = job_key(id)
  if keep > 0 and story then
    chronicle(id, state, story[5], unpack(story, 16, 22))
  elseif keep > 0 then
    chronicle(id, state, unpack(redis.call('HMGET', key, 'tier', 'kind', 'attempt', 'submitted', 'enqueued', 'started',
      'correlation_id', 'worker')))
  end
  redis.call('HSET', key, 'state', state, 'finished', now, unpack(fields))
  redis.call('HDEL', key, 'watchers', 'envelope', 'entry', 'worker')
  redis.call('PEXPIRE', key, ttl)
  if logged then redis.call('PEXPIRE', log_key(id), ttl) end
  if unique and redis.call('GET', unique_key(unique)) == id then redis.call('DEL', unique_key(unique)) end
  if saga then close_saga(id, state, ttl) end
  tally(caller, -1, size)
  if deadline then redis.call('ZREM', deadlines_key, id) end
  if limit then release(limit, id) end
end

-- Entries of a stream that no worker holds, those that one does, and the last that was given to one.
local function unheld(stream)
  local groups, held, given = redis.pcall('XINFO', 'GROUPS', stream), 0, '0-0'
  if groups.err then return 0, 0, given end -- nothing was ever queued there, and no worker has joined
  for _, group in ipairs(groups) do
    for i = 1, #group, 2 do
      if group[i] == 'pending' then held = held + group[i + 1] end
      if group[i] == 'last-delivered-id' then given = group[i + 1] end
    end
  end
  return redis.call('XLEN', stream) - held, held, given
end

-- The streams of a tier: its own, those of its lanes that there have ever been jobs in, and those of what is set apart.
local function streams_of(tier)
  local found = { ready_key(tier) }
  for lane = 0, LANES - 1 do
    local stream = ready_key(tier, lane)
    if redis.call('EXISTS', stream) == 1 then found[#found + 1] = stream end
  end
  for _, need in ipairs(NEEDS) do
    local stream = ready_key(tier, need)
    if redis.call('EXISTS', stream) == 1 then found[#found + 1] = stream end
  end
  return found
end

-- A saga that would end badly, but owes something (steps to undo, children to stop), does not end yet: it
-- turns, and is queued to unwind. From then on neither its deadline nor a wish to cancel counts.
-- Returns whether a job turns that would end as `state`.
local function turn(id, saga, state, problem, note)
  if not saga or state == 'succeeded' then return false end
  local key = job_key(id)
  local owed, unwinding = unpack(redis.call('HMGET', key, 'owed', 'unwinding'))
  if unwinding or tonumber(owed or 0) <= 0 then return false end
  redis.call('HSET', key, 'unwinding', state, 'cause', problem or '', 'cause_note', note or '', 'lost', 0)
  redis.call('HDEL', key, 'cancel', 'awaits')
  return true
end
local UNWINDING_TAIL = '"event":"queued","status":"queued","data":{"unwinding":true}}'

-- Why a job ends whose record or entry is not what these scripts have written (a test compares their form with
-- contract/problem.py).
local function internal_error(detail)
  return '{"type":"urn:tidings:problem:internal_error","title":"Something broke on our side.","status":500,"detail":"' ..
    detail .. '","code":"internal_error"}'
end
local BROKEN = internal_error('what the store holds of this job cannot be read; submit the work again')
local VANISHED = internal_error('the store has lost the input of this job; submit the work again')

-- Ends a job that cannot go on, as far as its record allows: else it would be taken, or be due, for ever.
local function give_up(id, partition, ttl, problem)
  local key = job_key(id)
  if redis.call('TYPE', key).ok ~= 'hash' then return false end
  local state, seq, watchers, caller, unique, saga, limit, size, deadline = unpack(redis.call('HMGET', key, 'state',
    'seq', 'watchers', 'caller', 'unique', 'saga', 'limit', 'size', 'deadline'))
  if terminal(state) then return false end
  seq = (pcall(whole, seq, 'seq') and tonumber(seq) or 0) + 1
  story = nil
  finish(id, 'failed', { 'seq', seq, 'problem', problem }, ttl, true, caller, unique, saga, limit, size, deadline)
  tell(watchers, partition, id, seq, FINAL, '"event":"failed","status":"failed","data":{"problem":' .. problem .. '}}')
  return true
end

-- Queues a job that waits, whoever wakes it; seq: its new number.
local function requeue(id, tier, envelope, seq, watchers, partition, tail)
  redis.call('ZREM', scheduled_key, id)
  enqueue(id, tier, envelope)
  redis.call('HSET', job_key(id), 'seq', seq)
  redis.call('HDEL', job_key(id), 'envelope', 'awaits')
  tell(watchers, partition, id, seq, CHANGE, tail)
end

-- Something has happened that a saga may wait for. `woken` counts it, so that an attempt that is leaving
-- notices; one that runs is told, in case another branch of it keeps it from leaving.
-- awaits, name: given for a signal, the job waits for it only if it is among those.
local function wake(id, state, tier, seq, watchers, worker, partition, awaits, name)
  local key = job_key(id)
  redis.call('HINCRBY', key, 'woken', 1)
  if state == 'waiting' then
    if name and not string.find(awaits or '', ' ' .. name .. ' ', 1, true) then return end
    requeue(id, tier, redis.call('HGET', key, 'envelope'), seq + 1, watchers, partition, bare_tail('queued'))
  elseif state == 'running' and worker then
    redis.call('PUBLISH', channels .. 'orders:' .. worker, '+' .. id)
  end
end

-- The chunks of a job's log after a number, as far as they fit into `most` bytes, one at the least; whether that is not
-- all; and their bytes, with 64 for each chunk. The store reads in small steps: a chunk may be large, and a log long.
local function read_log(id, after, most)
  local chunks, bytes, step = {}, 0, 4
  local from = '(' .. string.format('%.0f', after) .. '-0'
  while true do
    local found = redis.call('XRANGE', log_key(id), from, '+', 'COUNT', step)
    for _, entry in ipairs(found) do
      local at_ms, text = math.min(math.max(math.floor(count_in(entry[2][2])), 0), LAST_MS), entry[2][4] or 'null'
      if #chunks > 0 and bytes + #text + 64 > most then return chunks, true, bytes end
      bytes = bytes + #text + 64
      chunks[#chunks + 1] = { tonumber(string.match(entry[1], '^%d+')), at_ms, text }
    end
    if #found < step then return chunks, false, bytes end
    from = '(' .. found[#found][1]
    step = bytes < most / 16 and math.min(step * 2, 256) or 4
  end
end

-- Deadlines: a job that has one is a member of `deadlines` while it lives, and ends when it comes, wherever it waits.
-- One that runs is stopped by its worker. If that is lost, and no other takes the job over, it ends some time later.
local FORSAKEN_MS = 60000
local function is_forsaken(tier, entry, deadline)
  if now - deadline < FORSAKEN_MS then return false end
  local stream, id = place(tier, entry or '0-0')
  local held = redis.pcall('XPENDING', stream, GROUP, id, id, 1)
  return held.err ~= nil or not held[1] or held[1][3] >= FORSAKEN_MS
end

local function leave_places(id, state, tier, entry, shed)
  if entry then
    acknowledge(tier, entry)
    if shed then redis.call('ZREM', sheddable_key(tier), id) end
  elseif state == 'queued' then
    leave_aside(id, tier)
  else
    redis.call('ZREM', scheduled_key, id)
  end
end

local function expire(id, partition, ttl)
  local state, tier, entry, envelope, seq, watchers, deadline, logged, caller, unique, saga, unwinding, limit, shed,
    size = unpack(redis.call('HMGET', job_key(id), 'state', 'tier', 'entry', 'envelope', 'seq', 'watchers', 'deadline',
      'logged', 'caller', 'unique', 'saga', 'unwinding', 'limit', 'shed', 'size'))
  redis.call('ZREM', deadlines_key, id)
  if not state or terminal(state) or not deadline or unwinding then return end
  seq, deadline = check_record(state, seq) + 1, whole(deadline, 'deadline')
  if deadline > now then
    redis.call('ZADD', deadlines_key, deadline, id)
  elseif state == 'running' and (saga or not is_forsaken(tier, entry, deadline)) then
    redis.call('ZADD', deadlines_key, now + FORSAKEN_MS, id)
  elseif not turn(id, saga, 'expired') then
    leave_places(id, state, tier, entry, shed)
    finish(id, 'expired', { 'seq', seq }, ttl, logged, caller, unique, saga, limit, size, deadline)
    tell(watchers, partition, id, seq, FINAL, bare_tail('expired'))
  elseif entry then
    redis.call('HSET', job_key(id), 'seq', seq)
    tell(watchers, partition, id, seq, CHANGE, UNWINDING_TAIL)
  else
    leave_places(id, state, tier, entry, shed)
    if limit then release(limit, id) end
    requeue(id, tier, envelope, seq, watchers, partition, UNWINDING_TAIL)
  end
end

-- Ends those whose deadline has passed, some at a time. Returns how many it looked at, and how long until the next, ms;
-- -1: there is none.
local function expire_late(partition, ttl, most, faults)
  local late = redis.call('ZRANGEBYSCORE', deadlines_key, '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(late) do
    local done_well, reason = pcall(expire, id, partition, ttl)
    if not done_well then
      faults[#faults + 1] = id .. ' ' .. string.sub(fault_of(reason), 2)
      pcall(give_up, id, partition, ttl, BROKEN)
    end
  end
  local first = redis.call('ZRANGE', deadlines_key, 0, 0, 'WITHSCORES')
  return #late, first[2] and math.min(math.ceil(math.max(first[2] - now, 0)), 86400000) or -1
end

-- Jobs that wait for a worker: those in a tier's stream, less the turns of its lanes, or set apart, and those in its lanes.
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

-- What an operator's replay may do, and nothing else: REPLAY of contract/state.py.
local REPLAY = { failed = ' queued ' }
local function may_replay(from, to) return leads(REPLAY, from, to) end

-- Adds the attempt under way, which did not succeed, to its job's history: a JSON object a line, the
-- oldest lines dropped past the cap. problem: JSON text, or ''; one too long for the history is left out.
local HISTORY_CAP = 32768
local function remember(id, event, problem)
  local key = job_key(id)
  local attempt, worker, history = unpack(redis.call('HMGET', key, 'attempt', 'worker', 'history'))
  if not problem or problem == '' or #problem > HISTORY_CAP / 2 then problem = 'null' end
  local line = '{"attempt":' .. attempt .. ',"at":' .. now .. ',"worker":' .. cjson.encode(worker or '') ..
    ',"event":"' .. event .. '","problem":' .. problem .. '}'
  history = history and history .. '\n' .. line or line
  if #history > HISTORY_CAP then
    local cut = string.find(history, '\n', #history - HISTORY_CAP, true)
    history = cut and string.sub(history, cut + 1) or history
  end
  redis.call('HSET', key, 'history', history)
end

-- Stands at the end of every script that changes jobs.
local function conclude()
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
  for tier in pairs(lanes_changed) do
    redis.call('HSET', flow_key(tier), 'lanes', lanes[tier])
    if lanes[tier] == ' ' then
      redis.call('PEXPIRE', flow_key(tier), FLOW_TTL)
    else
      redis.call('PERSIST', flow_key(tier))
    end
  end
  for gateway, box in pairs(outboxes) do publish(gateway, box) end
  if #ended > 0 then write_chronicle() end
  for caller, change in pairs(tallies) do
    if add_to(callers_key, caller, change) <= 0 then redis.call('HDEL', callers_key, caller) end
  end
  for caller, change in pairs(weights) do
    if add_to(caller_bytes_key, caller, change) <= 0 then redis.call('HDEL', caller_bytes_key, caller) end
  end
end
