#!lua flags=allow-oom
-- Reads a batch of jobs, and from now on sends their events to a gateway; or no longer does.
--
-- Atomic, because whatever is not in the answer must arrive in the inbox: the snapshot's number and the start of the
-- events have to meet without a hole. One script does both, so that a gateway that stops and starts to watch a job is
-- obeyed in that order.
--
-- args = { gateway, budget, items };  gateway: '' to read only;  item = { id, after, whole }
--   budget: bytes of the reply, about; after: the last number seen; -1: send no more events (the reply is then { '' });
--   whole: 1 to read it however large it is; of its log there is one page, and of each of its streams
-- Reply: MessagePack array; or, where a job that is read whole has a large result, an array of that and such results.
--   For each item { '' } (no such job), or a text:
--   `~`: the items before it have used up the budget; ask again. Nothing after it was done either;
--   `+<bytes> <owner>`: it is larger than LARGE_BYTES, and `whole` was not given; nothing was done; or
--   { state, attempt, seq, kind, progress, result, problem, correlation_id, traceparent, owner,
--     submitted, enqueued, dequeued, started, finished, log_from, { { seq, at_ms, chunk } … }, { step … }, more, tags,
--     { stream … }, held, text }
--   a text that is missing is '', a time nil; log_from: the first number that the log still has, 0: it is whole;
--   step = { path, head, input, outcome, cut }, of a saga: JSON texts, or '' where there is none or it is too large to be
--   shown; cut: how many bytes were left out;
--   held: of a saga that is held (lib/saga.lua) why, a problem as JSON text, else '';
--   text: the number of its result among those that stand beside the replies, whose own place is then ''; else 0;
--   more: 1 if its log goes on after these chunks (log.lua);
--   stream = { name, fence, attempt, count, from, next, chunks }, of each stream: which attempt says it, how many chunks
--   it has, the index of the first that the watcher lacks, and from there to before `next` (stream_read.lua has the
--   rest) the chunks, as JSON texts with a comma between each two.
-- O(items + chunks).

-- A gateway that died stays listed until the job ends, and no process hears what is published to it: that costs less
-- than to keep account of the gateways that live, for every job.

local gateway, budget, items = unpack(args)
local bytes = 0
local texts = {}

-- A job that is larger is read only where it is wanted whole, so that one call does not hold the store for long.
local LARGE_BYTES = 65536
-- The bytes of a page of a log. The rest of a longer log is read page by page.
local PAGE_BYTES = 262144

local function add(job)
  if gateway == '' then return end
  local watchers = job.watchers
  if not watchers or watchers == '' then
    redis.call('HSET', job_key(job.id), 'watchers', gateway)
  elseif not string.find(' ' .. watchers .. ' ', ' ' .. gateway .. ' ', 1, true) then
    redis.call('HSET', job_key(job.id), 'watchers', watchers .. ' ' .. gateway)
  end
end

local function remove(key)
  local watchers = redis.pcall('HGET', key, 'watchers')
  if type(watchers) ~= 'string' then return end -- a compact record has none
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

-- A text of a step that is larger is not shown; of a long journal only so many of its newest steps are.
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

-- The fields of a record, in the order of the reply as far as they are in it.
local TEXTS = { 'kind', 'progress', 'result', 'problem', 'correlation_id', 'traceparent', 'owner' }
local TIMES = { 'submitted', 'enqueued', 'dequeued', 'started', 'finished' }
local FIELDS = { 'state', 'attempt', 'seq', 'kind', 'progress', 'result', 'problem', 'correlation_id', 'traceparent',
  'owner', 'submitted', 'enqueued', 'dequeued', 'started', 'finished', 'log_from', 'watchers', 'logged', 'saga',
  'steps_bytes', 'tags', 'streams', 'fence' }
local FIELDS_WITHOUT_RESULT = { 'state', 'attempt', 'seq', 'kind', 'progress', 'problem', 'correlation_id',
  'traceparent', 'owner', 'submitted', 'enqueued', 'dequeued', 'started', 'finished', 'log_from', 'watchers', 'logged',
  'saga', 'steps_bytes', 'tags', 'streams', 'fence' }

-- A time that clients are shown; nil in MessagePack if it is missing.
local function time_in(job, name)
  if not job[name] then return cjson.null end
  local ms = whole(job[name], name)
  if ms > LAST_MS then error('the record is broken: a time is too late', 0) end
  return ms
end

local function reply_of(job)
  local reply = { job.state, whole(job.attempt or '0', 'attempt'), check_record(job.state, job.seq) }
  for i, name in ipairs(TEXTS) do
    reply[3 + i] = job[name] or ''
    bytes = bytes + #reply[3 + i]
  end
  if terminal(job.state) then job.finished = job.finished or '0' end
  for i, name in ipairs(TIMES) do reply[10 + i] = time_in(job, name) end
  reply[16] = job.log_from and whole(job.log_from, 'log_from') or 0
  return reply
end

-- Reads what a watcher lacks of the streams of a job, with at most `most` bytes of each. Returns them, and how many bytes
-- there are, of those that were read and those that were not.
local function read_streams(job, after, most)
  local streams, size = {}, 0
  for i, state in ipairs(valid_streams(job)) do
    local from = index_after(job.id, state, after)
    local chunks, upto, read = read_chunks(job.id, state[1], from, state[4], most)
    streams[i] = { state[1], state[2], state[3], state[4], from, upto, table.concat(chunks, ',') }
    size = size + 64 + read
    if upto < state[4] then size = size + math.ceil(state[6] * (state[4] - upto) / state[4]) end
  end
  return streams, size
end

local function measured(size, owner)
  return '+' .. string.format('%.0f', size) .. ' ' .. (owner or '')
end

local function read(id, after, all)
  local result_bytes = all and 0 or redis.pcall('HSTRLEN', job_key(id), 'result')
  local is_compact = type(result_bytes) == 'table' -- or what lies there is no record, and `load_job` says so
  local job = load_job(id, not is_compact and result_bytes > LARGE_BYTES and FIELDS_WITHOUT_RESULT or FIELDS)
  if is_compact then result_bytes = #(job.result or '') end
  local is_large = result_bytes > LARGE_BYTES
  if not job.state then return { '' } end
  check_record(job.state, job.seq)
  local logged = count_in(job.logged)
  local shown = job.saga and math.min(count_in(job.steps_bytes), 2 * SHOWN_STEPS * SHOWN_BYTES) or 0
  if not all and (is_large or shown > LARGE_BYTES or (after == 0 and logged > LARGE_BYTES)) then
    return measured(result_bytes + logged + shown, job.owner)
  end
  local chunks, more, log_bytes = {}, false, 0
  if logged > 0 then chunks, more, log_bytes = read_log(id, after, all and PAGE_BYTES or LARGE_BYTES) end
  if more and not all then return measured(result_bytes + logged + shown, job.owner) end
  local streams, streamed = {}, 0
  if job.streams then
    -- A watcher that knows more than the store, which lost writes, gets them whole.
    streams, streamed = read_streams(job, after > tonumber(job.seq) and 0 or after, all and PAGE_BYTES or LARGE_BYTES)
    if not all and streamed > LARGE_BYTES then return measured(result_bytes + logged + shown + streamed, job.owner) end
  end
  local reply = reply_of(job)
  if not terminal(job.state) then add(job) end
  bytes = bytes + log_bytes + streamed
  reply[17] = chunks
  reply[18] = job.saga and read_steps(id) or {}
  reply[19] = more and 1 or 0
  reply[20] = job.tags or ''
  reply[21] = streams
  reply[22] = job.saga and job.state == WAITING and redis.call('HGET', job_key(id), 'held') or ''
  reply[23] = 0
  if #reply[6] > LARGE_BYTES then -- read whole, then
    texts[#texts + 1], reply[6], reply[23] = reply[6], '', #texts + 1
  end
  return reply
end

local function answer(item)
  local id, after, all = unpack(item)
  if bytes >= budget then return '~' end
  if after >= 0 then return read(id, after, all == 1) end
  remove(job_key(id))
  return { '' }
end

local replies = cmsgpack.pack(for_each(items, answer))
return #texts > 0 and { replies, unpack(texts) } or replies
