-- The records of jobs, and the numbers in them. A store may hold what no script wrote, so every number is checked.

-- Reads fields of a job's record. Returns them by name, with the job's id; a field that the record lacks is false.
local function load_job(id, names)
  local found = redis.call('HMGET', job_key(id), unpack(names))
  local job = { id = id }
  for i, name in ipairs(names) do job[name] = found[i] end
  return job
end

-- Returns a whole number of a record: 0 to the largest that Lua writes without an exponent. Errors: it is none.
local function whole(value, name)
  if not value or #value > 15 or not string.find(value, '^%d+$') then
    error('the record is broken: ' .. name .. ' is ' .. string.sub(tostring(value), 1, 40), 0)
  end
  return tonumber(value)
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
