-- The streams of a job: what an attempt says as a part of its answer, chunk after chunk.
--
-- Each stream is a list with one element for each chunk, so that an index of the list is the index of the chunk. The
-- field `streams` of the record says how they stand, MessagePack { { name, fence, attempt, count, last, bytes } … }:
-- which attempt says it, how many chunks there are, the number of the event that brought the last one (-1: unknown)
-- and the bytes of all as JSON.
--
-- A later attempt has another fence. When it first says something it takes the stream over: it keeps some chunks of
-- the earlier one, or none, and all later ones are void.
--
-- An element is a mark and a text. The mark gives the number of the event that brought the chunk: none, one more than
-- that of the chunk before; \1, the same; \2<number>\2, that number. Every MARK_EVERY-th has its number whole, so that a
-- number is found by halving. Numbers rise along the list, also over chunks that a later attempt kept.
-- The text is what stands between the quotes of a JSON string, or \3 and another JSON value. (JSON writes no character
-- below a space as it is.) A model's answer takes so little more than its own bytes.

local MARK_EVERY = 64

local function are_streams(states)
  if type(states) ~= 'table' then return false end
  for _, state in ipairs(states) do
    if type(state) ~= 'table' or type(state[1]) ~= 'string' then return false end
    for i = 2, 6 do
      if type(state[i]) ~= 'number' then return false end
    end
  end
  return true
end

-- Returns how a job's streams stand; of a record that says something else, that it has none. They are read once.
local function job_streams(job)
  if not job.stream_states then
    local known, states = pcall(cmsgpack.unpack, job.streams or '')
    job.stream_states = known and are_streams(states) and states or {}
  end
  return job.stream_states
end

-- Returns how those streams stand that count. Of a job that succeeded those of its last attempt do: a worker of an earlier
-- release, which has no streams, empties none when it ends a job. The job has its `state` and `fence`.
local function valid_streams(job)
  local states = job_streams(job)
  if job.state == SUCCEEDED then
    for _, state in ipairs(states) do
      if state[2] ~= tonumber(job.fence) then state[4], state[5], state[6] = 0, -1, 0 end
    end
  end
  return states
end

local function expire_streams(job, ttl)
  for _, state in ipairs(job_streams(job)) do redis.call('PEXPIRE', chunks_key(job.id, state[1]), ttl) end
end

-- Returns the number of a chunk's event, and the chunk as JSON. before: the number of the chunk before it.
local function chunk_in(element, before)
  local seq, from = before + 1, 1
  local mark = string.byte(element)
  if mark == 1 then
    seq, from = before, 2
  elseif mark == 2 then
    local close = string.find(element, '\2', 2, true) or 1
    seq, from = count_in(string.sub(element, 2, close - 1)), close + 1
  end
  if string.byte(element, from) == 3 then return seq, string.sub(element, from + 1) end
  return seq, '"' .. string.sub(element, from) .. '"'
end

-- Returns the index of the first chunk whose event is later than `after`. O(log chunks).
local function index_after(id, state, after)
  local key, count = chunks_key(id, state[1]), state[4]
  if after <= 0 then return 0 end
  if state[5] >= 0 and after >= state[5] then return count end
  local low, high = 0, math.floor((count - 1) / MARK_EVERY) -- the block sought is one of these, or before them all
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local element = redis.call('LINDEX', key, middle * MARK_EVERY)
    if element and chunk_in(element, 0) <= after then low = middle + 1 else high = middle - 1 end
  end
  if high < 0 then return 0 end
  local from, seq = high * MARK_EVERY, 0
  for i, element in ipairs(redis.call('LRANGE', key, from, math.min(from + MARK_EVERY, count) - 1)) do
    seq = chunk_in(element, seq)
    if seq > after then return from + i - 1 end
  end
  return math.min(from + MARK_EVERY, count)
end

-- Reads chunks of a stream from an index on as far as they fit into `most` bytes, one at the least. Returns them as
-- JSON, the index after them and their bytes, with 16 for each.
local function read_chunks(id, name, from, count, most)
  local chunks, bytes, step, key = {}, 0, 4, chunks_key(id, name)
  while from < count do
    local found = redis.call('LRANGE', key, from, math.min(from + step, count) - 1)
    if #found == 0 then break end -- the store has lost them
    for _, element in ipairs(found) do
      if #chunks > 0 and bytes + #element + 16 > most then return chunks, from, bytes end
      local _, chunk = chunk_in(element, 0)
      bytes = bytes + #element + 16
      from = from + 1
      chunks[#chunks + 1] = chunk
    end
    step = bytes < most / 16 and math.min(step * 2, 256) or 4
  end
  return chunks, math.max(from, count), bytes
end
