#!lua flags=allow-oom
-- Reads a batch of jobs, and from now on sends their events to a gateway; or no longer does.
--
-- Atomic, because whatever is not in the answer must arrive in the inbox: the snapshot's number and
-- the start of the events have to meet without a hole. Both directions are one script, so that a
-- gateway that stops and starts to watch a job is obeyed in that order.
--
-- args = { gateway, budget, items };  gateway: '' to read only;  item = { id, after, whole }
--   budget: bytes of the reply, about; after: the last number seen; -1: send no more events (the reply is then { '' });
--   whole: 1 to read it however large it is, but for its log, of which there is one page
-- Reply: MessagePack array with for each item { '' } (no such job), or a text:
--   `~`: what stands before it has used up the budget; ask again. Nothing after it was done either;
--   `+<bytes> <owner>`: it is larger than LARGE_BYTES, and `whole` was not given; nothing was done; or
--   { state, attempt, seq, kind, progress, result, problem, correlation_id, traceparent, owner,
--     submitted, enqueued, dequeued, started, finished, log_from, { { seq, at_ms, chunk } … }, { step … }, more }
--   of a job that takes none there are no steps; step = { path, head, input, outcome, cut }: JSON texts, or
--   '' where there is none or it is too large to be shown; cut: how many bytes were left out;
--   more: 1 if its log goes on after these chunks (log.lua);
--   where what is missing is ''; all numbers but those of the chunks are text.
-- O(items + chunks).

-- A gateway that died stays listed until the job ends, and what is published to it nobody hears: that
-- costs less than to keep account of who lives, for every job.

local gateway, budget, items = unpack(args)
local bytes = 0

-- What is larger than this is read only where it is wanted whole, so that one call does not hold the store for long.
local LARGE_BYTES = 65536
-- Of a log of which this is not all, the rest is read page by page.
local PAGE_BYTES = 262144

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

-- The fields are measured first: a journal may be large, and little of it is shown.
local function read_steps(id)
  local journal, paths = steps_key(id), {}
  for _, field in ipairs(redis.call('HKEYS', journal)) do
    if string.find(field, '^[%d.]+$') then paths[#paths + 1] = field end
  end
  local steps = {}
  for _, path in ipairs(paths) do steps[#steps + 1] = { path, redis.call('HGET', journal, path) } end
  if #steps > SHOWN_STEPS then
    table.sort(steps, function(one, other) return began(one) > began(other) end)
    for j = #steps, SHOWN_STEPS + 1, -1 do steps[j] = nil end
  end
  for _, step in ipairs(steps) do
    step[5] = 0
    for place, name in pairs({ [3] = ':in', [4] = ':out' }) do
      local size = redis.call('HSTRLEN', journal, step[1] .. name)
      local shown = size <= SHOWN_BYTES
      if not shown then step[5] = step[5] + size end
      step[place] = shown and redis.call('HGET', journal, step[1] .. name) or ''
      bytes = bytes + #step[place]
    end
    bytes = bytes + #step[2]
  end
  return steps
end

-- What clients are shown as numbers and times must be such.
local function check_numbers(found)
  found[2] = found[2] or '0'
  if terminal(found[1]) then found[15] = found[15] or '0' end
  whole(found[2], 'attempt')
  if found[16] then whole(found[16], 'log_from') end
  for j = 11, 15 do
    if found[j] and whole(found[j], 'a time') > LAST_MS then error('the record is broken: a time is too late', 0) end
  end
end

local function measured(size, owner)
  return '+' .. string.format('%.0f', size) .. ' ' .. (owner or '')
end

local function read(id, after, all)
  local key = job_key(id)
  local result_bytes = all and 0 or redis.call('HSTRLEN', key, 'result')
  local is_large = result_bytes > LARGE_BYTES
  local found = redis.call('HMGET', key, 'state', 'attempt', 'seq', 'kind', 'progress', is_large and 'state' or 'result',
    'problem', 'correlation_id', 'traceparent', 'owner', 'submitted', 'enqueued', 'dequeued', 'started', 'finished',
    'log_from', 'watchers', 'logged', 'saga', 'steps_bytes')
  if not found[1] then return { '' } end
  check_record(found[1], found[3])
  check_numbers(found)
  local logged = count_in(found[18])
  local shown = found[19] and math.min(count_in(found[20]), 2 * SHOWN_STEPS * SHOWN_BYTES) or 0
  if not all and (is_large or shown > LARGE_BYTES or (after == 0 and logged > LARGE_BYTES)) then
    return measured(result_bytes + logged + shown, found[10])
  end
  local reply, chunks, more, log_bytes = {}, {}, false, 0
  if logged > 0 then chunks, more, log_bytes = read_log(id, after, all and PAGE_BYTES or LARGE_BYTES) end
  if more and not all then return measured(result_bytes + logged + shown, found[10]) end
  if not terminal(found[1]) then add(key, found[17]) end
  for j = 1, 16 do
    reply[j] = found[j] or ''
    bytes = bytes + #reply[j]
  end
  bytes = bytes + log_bytes
  reply[17] = chunks
  reply[18] = found[19] and read_steps(id) or {}
  reply[19] = more and 1 or 0
  return reply
end

local function answer(item)
  local id, after, all = unpack(item)
  if bytes >= budget then return '~' end
  if after >= 0 then return read(id, after, all == 1) end
  remove(job_key(id))
  return { '' }
end

return cmsgpack.pack(for_each(items, answer))
