#!lua flags=allow-oom
-- Reads a batch of jobs, and from now on sends their events to a gateway; or no longer does.
--
-- Atomic, because whatever is not in the answer must arrive in the inbox: the snapshot's number and
-- the start of the events have to meet without a hole. Both directions are one script, so that a
-- gateway that stops and starts to watch a job is obeyed in that order.
--
-- args = { gateway, items };  gateway: '' to read only;  item = { id, after }
--   after: the last number seen; -1: send no more events (the reply is then { '' })
-- Reply: MessagePack array with for each item { '' } (no such job) or
--   { state, attempt, seq, kind, progress, result, problem, correlation_id, traceparent, owner,
--     submitted, enqueued, dequeued, started, finished, log_from, { { seq, at_ms, chunk } … }, { step … } }
--   of a job that takes none there are no steps; step = { path, head, input, outcome, cut }: JSON texts, or
--   '' where there is none or it is too large to be shown; cut: how many bytes were left out
--   where what is missing is ''; all numbers but those of the chunks are text.
-- O(items + chunks).

-- A gateway that died stays listed until the job ends, and what is published to it nobody hears: that
-- costs less than to keep account of who lives, for every job.

local gateway, items = unpack(args)
local replies = {}

local function add(key, watchers)
  if gateway == '' then return end
  if not watchers or watchers == '' then
    redis.call('HSET', key, 'watchers', gateway)
  elseif not string.find(' ' .. watchers .. ' ', ' ' .. gateway .. ' ', 1, true) then
    redis.call('HSET', key, 'watchers', watchers .. ' ' .. gateway)
  end
end

local function remove(key)
  local watchers = redis.call('HGET', key, 'watchers')
  if not watchers then return end
  local rest = {}
  for other in string.gmatch(watchers, '%S+') do
    if other ~= gateway then rest[#rest + 1] = other end
  end
  if #rest > 0 then
    redis.call('HSET', key, 'watchers', table.concat(rest, ' '))
  else
    redis.call('HDEL', key, 'watchers')
  end
end

-- What of a step is larger than this is not shown; of a long journal only so many of its newest steps are.
local SHOWN_BYTES = 4096
local SHOWN_STEPS = 500

local function began(step) return tonumber(string.match(step[2], '"began":(%d+)') or 0) end

local function read_steps(id)
  local fields, steps = redis.call('HGETALL', steps_key(id)), {}
  local values = {}
  for j = 1, #fields, 2 do
    values[fields[j]] = fields[j + 1]
    if string.find(fields[j], '^[%d.]+$') then steps[#steps + 1] = { fields[j], fields[j + 1] } end
  end
  if #steps > SHOWN_STEPS then
    table.sort(steps, function(one, other) return began(one) > began(other) end)
    for j = #steps, SHOWN_STEPS + 1, -1 do steps[j] = nil end
  end
  for _, step in ipairs(steps) do
    step[5] = 0
    for place, name in pairs({ [3] = ':in', [4] = ':out' }) do
      local text = values[step[1] .. name] or ''
      if #text > SHOWN_BYTES then
        step[5] = step[5] + #text
        text = ''
      end
      step[place] = text
    end
  end
  return steps
end

local function read(id, after)
  local key = job_key(id)
  local found = redis.call('HMGET', key, 'state', 'attempt', 'seq', 'kind', 'progress', 'result', 'problem',
    'correlation_id', 'traceparent', 'owner', 'submitted', 'enqueued', 'dequeued', 'started', 'finished', 'log_from',
    'watchers', 'logged', 'saga')
  if not found[1] then return { '' } end
  if not terminal(found[1]) then add(key, found[17]) end
  local reply = {}
  for j = 1, 16 do reply[j] = found[j] or '' end
  local chunks = {}
  if found[18] then
    for j, entry in ipairs(redis.call('XRANGE', log_key(id), '(' .. after .. '-0', '+')) do
      chunks[j] = { tonumber(string.match(entry[1], '^%d+')), tonumber(entry[2][2]), entry[2][4] }
    end
  end
  reply[17] = chunks
  if found[19] then reply[18] = read_steps(id) end
  return reply
end

for i, item in ipairs(items) do
  local id, after = unpack(item)
  if after < 0 then
    remove(job_key(id))
    replies[i] = { '' }
  else
    replies[i] = read(id, after)
  end
end

return cmsgpack.pack(replies)
