-- What a running attempt writes to the streams of its job (streams.lua); report.lua alone uses it.

-- The classes of what a report has for streams, beside those of events (attempt_records.py).
local STREAM, KEEP = 4, 5

-- The streams of one job.
local MAX_STREAMS = 32
-- Lua's unpack is bounded.
local PUSHED_AT_ONCE = 1000

-- Tells the watchers of a job what happens in a stream of it. Neither groups nor webhooks follow that.
local function tell_stream(job, partition, event, data)
  job.seq = job.seq + 1
  tell_gateways(job, partition, LOG, data_tail(event, RUNNING, data))
end

-- Has an attempt take a stream over. The names of streams have no character that JSON would escape.
local function take_stream(job, partition, state, attempt, kept, bytes)
  local key, had = chunks_key(job.id, state[1]), state[4]
  kept = math.min(kept, had)
  if kept == 0 then
    redis.call('UNLINK', key)
    bytes = 0
  else
    redis.call('LTRIM', key, 0, kept - 1)
  end
  state[2], state[3], state[4], state[5], state[6] = tonumber(job.fence), tonumber(attempt), kept, -1, bytes
  if had > 0 then
    tell_stream(job, partition, 'reset',
      '{"stream":"' .. state[1] .. '","attempt":' .. attempt .. ',"keep":' .. kept .. '}')
  end
end

-- Empties the streams that an attempt has not taken over: what they hold is void.
local function void_others(job, partition, attempt)
  for _, state in ipairs(job_streams(job)) do
    if state[2] ~= tonumber(job.fence) then take_stream(job, partition, state, attempt, 0, 0) end
  end
end

-- Returns how a stream stands that an attempt writes to; a new one if there is none, in the place of a void one where
-- there are too many.
local function stream_named(job, partition, name, attempt)
  local states = job_streams(job)
  for _, state in ipairs(states) do
    if state[1] == name then return state end
  end
  if #states >= MAX_STREAMS then
    void_others(job, partition, attempt)
    for i = #states, 1, -1 do
      if states[i][4] == 0 then table.remove(states, i) end
    end
  end
  local state = { name, tonumber(job.fence), attempt, 0, -1, 0 }
  states[#states + 1] = state
  return state
end

local function stream_bytes(job)
  local bytes = 0
  for _, state in ipairs(job_streams(job)) do bytes = bytes + state[6] end
  return bytes
end

-- Appends chunks to a stream; `seq` is the number of their event.
local function push_chunks(key, state, seq, chunks)
  local elements, count = {}, state[4]
  for i, chunk in ipairs(chunks) do
    local mark = i > 1 and '\1' or ''
    if (count + i - 1) % MARK_EVERY == 0 or (i == 1 and seq ~= state[5] + 1) then mark = '\2' .. seq .. '\2' end
    elements[i] = mark .. (string.byte(chunk) == 34 and string.sub(chunk, 2, -2) or '\3' .. chunk)
  end
  for first = 1, #elements, PUSHED_AT_ONCE do
    redis.call('RPUSH', key, unpack(elements, first, math.min(first + PUSHED_AT_ONCE - 1, #elements)))
  end
  state[4], state[5] = count + #elements, seq
end

-- Returns whether what a report has for streams goes on where they stand. It does not where the store has lost writes.
local function continues_streams(job, events)
  local counts = {}
  for _, event in ipairs(events) do
    local class, name, _, index = unpack(event)
    if class == STREAM or class == KEEP then
      local count = counts[name] or 0
      for _, state in ipairs(counts[name] and {} or job_streams(job)) do
        if state[1] == name and (class == KEEP or state[2] == tonumber(job.fence)) then count = state[4] end
      end
      if class == KEEP and index > count or class == STREAM and index ~= count then return false end
      counts[name] = index + (class == STREAM and #event[6] or 0)
    end
  end
  return true
end

-- Writes chunks that an attempt said in one turn, or that it keeps some of the earlier ones, as report.lua gives it.
-- max_bytes: of all streams of the job; void ones go if there are more.
local function write_stream(job, partition, event, max_bytes)
  local class, name, attempt, index, bytes, chunks = unpack(event)
  local state = stream_named(job, partition, name, attempt)
  if class == KEEP then return take_stream(job, partition, state, attempt, index, bytes) end
  if state[2] ~= tonumber(job.fence) then take_stream(job, partition, state, attempt, 0, 0) end
  local data = '{"stream":"' .. name .. '","index":' .. index .. ',"attempt":' .. attempt .. ',"data":'
  if #chunks == 1 then
    tell_stream(job, partition, 'chunk', data .. chunks[1] .. '}')
  else
    tell_stream(job, partition, 'chunks', data .. '[' .. table.concat(chunks, ',') .. ']}')
  end
  push_chunks(chunks_key(job.id, name), state, job.seq, chunks)
  state[6] = state[6] + bytes
  if stream_bytes(job) > max_bytes then void_others(job, partition, attempt) end
end
