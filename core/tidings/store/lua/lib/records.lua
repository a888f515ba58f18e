-- The records of jobs, and the numbers in them. A store may hold what no script wrote, so every number is checked.

-- A job that succeeded may have a compact record: a string instead of a hash, which takes the store a third of the
-- memory. Only plain jobs have one, of which nothing changes any more: no sagas, no children, no jobs with webhooks,
-- streams or memoised steps. attempts/report.lua writes it, where the worker's settings say so.
--
-- It is a MessagePack array: COMPACT_FORM, then the fields in the order of COMPACT; '' for one that the record lacks,
-- and nothing for those at the end. `enqueued`, `started` and `finished` are ms after `submitted`; `owner` is true where
-- it is the caller; `dequeued` is the same as `started`, and the state is `succeeded`.
local COMPACT_FORM = 1
local COMPACT = { 'kind', 'tier', 'seq', 'attempt', 'fence', 'reported', 'submitted', 'enqueued', 'started', 'finished', 'result',
  'caller', 'owner', 'tags', 'correlation_id', 'traceparent', 'progress', 'version', 'deadline', 'logged', 'log_from' }
local COMPACT_TIMES = { 'enqueued', 'started', 'finished' }

-- Returns the fields of a compact record by name, as texts. Errors: the text is none.
local function expand(text)
  local known, row = pcall(cmsgpack.unpack, text)
  if not known or type(row) ~= 'table' or row[1] ~= COMPACT_FORM or type(row[8]) ~= 'number' then
    error('the record is broken: it is neither a hash nor a compact record', 0)
  end
  local job = {}
  for i, name in ipairs(COMPACT) do
    local value = row[i + 1]
    if value ~= nil and value ~= '' then job[name] = value end
  end
  for _, name in ipairs(COMPACT_TIMES) do job[name] = (tonumber(job[name]) or 0) + job.submitted end
  job.state, job.dequeued = SUCCEEDED, job.started
  if job.owner == true then job.owner = job.caller end
  for name, value in pairs(job) do job[name] = tostring(value) end
  return job
end

-- Reads fields of a job's record, in whichever form it is: as HMGET returns them.
local function read_fields(id, names)
  local found = redis.pcall('HMGET', job_key(id), unpack(names))
  if not found.err then return found end
  if not string.find(found.err, 'WRONGTYPE', 1, true) then error(found, 0) end
  local job, values = expand(redis.call('GET', job_key(id))), {}
  for i, name in ipairs(names) do values[i] = job[name] or false end
  return values
end

-- Reads fields of a job's record. Returns them by name, with the job's id; a field that the record lacks is false.
local function load_job(id, names)
  local found = read_fields(id, names)
  local job = { id = id }
  for i, name in ipairs(names) do job[name] = found[i] end
  return job
end

-- Small whole numbers by their texts, and their texts by number. To write a number costs Lua more than to join the text of
-- a whole frame, and to check one by a pattern as much, so those that are met are kept, as long as the library.
local SMALL_DIGITS, SMALL = 3, 1000
local NUMBER_OF = {}
local DIGITS_OF = {}

-- Returns a whole number of a record: 0 to the largest that Lua writes without an exponent. Errors: it is none.
local function whole(value, name)
  local number = NUMBER_OF[value]
  if number then return number end
  if not value or #value > 15 or not string.find(value, '^%d+$') then
    error('the record is broken: ' .. name .. ' is ' .. string.sub(tostring(value), 1, 40), 0)
  end
  number = tonumber(value)
  if #value <= SMALL_DIGITS then NUMBER_OF[value] = number end
  return number
end

-- Returns a whole number as text.
local function digits(number)
  local text = DIGITS_OF[number]
  if not text then
    text = string.format('%.0f', number)
    if number < SMALL then DIGITS_OF[number] = text end
  end
  return text
end

-- Checks the two fields that every record has. Returns the job's number.
local function check_record(state, seq)
  if not NEXT[state] then error('the record is broken: state is ' .. string.sub(tostring(state), 1, 40), 0) end
  return whole(seq, 'seq')
end

-- Returns a count that several jobs share. A value that is no count is taken for 0: it must not stop all of them.
local function count_in(value)
  local count = tonumber(value)
  return count and count == count and math.abs(count) < 1e15 and count or 0
end

-- Adds to a shared count in a hash, and returns the sum. A value that is no count begins again.
local function add_to(key, field, change)
  local sum = redis.pcall('HINCRBY', key, field, change)
  if type(sum) ~= 'table' then return sum end
  if string.find(sum.err, 'WRONGTYPE', 1, true) then redis.call('DEL', key) end
  redis.call('HSET', key, field, change)
  return change
end

-- Returns the ms until a deadline: 0 if the job has none, or none counts because it unwinds.
local function ms_left(deadline, unwinding)
  return deadline and not unwinding and math.max(whole(deadline, 'deadline') - now, 1) or 0
end
