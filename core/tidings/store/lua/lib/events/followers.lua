-- The events that consumers follow: a stream in each partition, with the events of those kinds that some group names.
--
-- A group says what it follows in the hash `groups` (group_join.lua). A library of functions keeps what it has read of
-- that hash for FRESH_MS, so that a script that ends a job knows without a call of the store whether any group follows
-- anything here; a script that the store knows by its text reads the hash in each call. What a group says therefore
-- holds everywhere FRESH_MS after it was written, and the process that writes it waits so long.
--
-- Each entry of the stream holds of every group how many events it should have had by then, this one included if it
-- follows it. From two entries a group sees exactly how many of its events were trimmed between them.

local FRAME_CAP = 65536
local dated
local function frame_of(token, seq, tail)
  dated = dated or ',"at":"' .. rfc3339(now) .. '",'
  return '{"type":"event","token":"' .. token .. '","seq":' .. digits(seq) .. dated .. tail
end

-- How long what was read of the groups is used, ms.
local FRESH_MS = 1000
-- Partitions of which that is kept; past it all are read again.
local KNOWN_PARTITIONS = 1000
-- What a library has read, by partition. The table lives as long as the library.
local FOLLOWED = { count = 0, by_root = {} }

-- A pattern of kinds as one of Lua: `*` stands for any characters, all others for themselves.
local function lua_pattern(glob)
  return '^' .. string.gsub(string.gsub(glob, '[^%w*]', '%%%0'), '%*', '.*') .. '$'
end

-- Reads a group's record: { name, expires_ms (0: never), patterns }, a pattern = { Lua pattern, events, glob, seen_ms };
-- events: their names with a space before and after each. nil: it cannot be read.
local function decode_group(name, text)
  local done_well, record = pcall(cmsgpack.unpack, text)
  if not done_well or type(record) ~= 'table' or type(record[2]) ~= 'table' then return nil end
  local group = { name = name, expires = tonumber(record[1]) or 0, patterns = {} }
  for i, one in ipairs(record[2]) do
    group.patterns[i] = { lua_pattern(tostring(one[1])), tostring(one[2]), tostring(one[1]), tonumber(one[3]) or 0 }
  end
  return group
end

local function follows(patterns, kind, event)
  for _, pattern in ipairs(patterns) do
    if string.find(pattern[2], ' ' .. event .. ' ', 1, true) and string.find(kind, pattern[1]) then return true end
  end
  return false
end

-- Returns what the groups of this partition follow: { groups, memo, max_age_ms, max_bytes }; false: there is no group.
local function read_followed()
  local flat, found = redis.pcall('HGETALL', groups_key), { groups = {}, memo = {}, max_age = 86400000,
    max_bytes = 268435456 }
  if flat.err then return false end -- what lies there is no hash: it must not be why a job cannot end
  for i = 1, #flat, 2 do
    if flat[i] == 'limits' then
      local age, bytes = string.match(flat[i + 1], '^(%d+) (%d+)$')
      found.max_age, found.max_bytes = tonumber(age) or found.max_age, tonumber(bytes) or found.max_bytes
    else
      local group = decode_group(string.sub(flat[i], 2), flat[i + 1])
      if group and (group.expires == 0 or group.expires > now) then found.groups[#found.groups + 1] = group end
    end
  end
  return #found.groups > 0 and found
end

local function recall_followed()
  local known = FOLLOWED.by_root[channels]
  if known and now >= known.read and now - known.read < FRESH_MS then return known.followed end
  if not known then
    if FOLLOWED.count >= KNOWN_PARTITIONS then FOLLOWED.count, FOLLOWED.by_root = 0, {} end
    FOLLOWED.count = FOLLOWED.count + 1
  end
  local found = read_followed()
  FOLLOWED.by_root[channels] = { read = now, followed = found }
  return found
end

local followed = recall_followed()

-- The counts of the groups' events, of bytes ever written (`bytes`) and of those trimmed (`cut`), as the partition has
-- them; read once in a script, when it first writes an event, and written once at its end.
local event_counts
local function read_event_counts()
  event_counts = {}
  local flat = redis.pcall('HGETALL', event_counts_key)
  if flat.err then
    redis.call('DEL', event_counts_key)
    return
  end
  for i = 1, #flat, 2 do event_counts[flat[i]] = count_in(flat[i + 1]) end
  if redis.call('EXISTS', event_marks_key) == 0 then -- the stream has expired with them
    event_counts.marked, event_counts.cut = nil, event_counts.bytes
  end
end

-- Returns which groups follow an event, by name; false: none does.
local function followers_of(kind, event)
  local key = kind .. ' ' .. event
  local found = followed.memo[key]
  if found == nil then
    found = false
    for _, group in ipairs(followed.groups) do
      if follows(group.patterns, kind, event) then
        found = found or {}
        found[group.name] = true
      end
    end
    followed.memo[key] = found
  end
  return found
end

-- Counts an event for those that follow it; returns the counts of all groups: ` search 9 billing +12 `, the sign where
-- a group follows it.
local function count_event(followers)
  local parts = { '' }
  for _, group in ipairs(followed.groups) do
    local field, is_one = ':' .. group.name, followers[group.name]
    local count = (event_counts[field] or 0) + (is_one and 1 or 0)
    event_counts[field] = count
    parts[#parts + 1] = group.name .. ' ' .. (is_one and '+' or '') .. string.format('%.0f', count)
  end
  parts[#parts + 1] = ''
  return table.concat(parts, ' ')
end

-- An entry takes about so many bytes beside its texts.
local ENTRY_BYTES = 96
local PARTS = 64

-- Writes an event into the stream. fields: of the entry, in the order in which `event_in` reads them.
local function add_event(fields)
  local function add(id)
    return redis.pcall('XADD', events_key, id, 'job', fields[1], 'event', fields[2], 'kind', fields[3], 'counts', fields[4],
      'correlation', fields[5], 'owner', fields[6], 'frame', fields[7], 'only', fields[8])
  end
  local id = add(string.format('%.0f-*', now))
  if type(id) == 'table' then id = add('*') end -- the store's clock has gone back
  if type(id) == 'table' then -- no stream lies there, or its last id is the highest: it begins again
    redis.call('DEL', events_key)
    return
  end
  local bytes, marked = event_counts.bytes or 0, event_counts.marked
  -- The stream is cut at marks, so that what goes need not be read: there are about PARTS of them.
  if not marked or bytes - marked >= followed.max_bytes / PARTS then
    redis.call('RPUSH', event_marks_key, string.format('%.0f ', bytes) .. id)
    event_counts.marked = bytes
  end
  local size = ENTRY_BYTES
  for i = 1, 8 do size = size + #fields[i] end
  event_counts.bytes = bytes + size
end

local EVENT_FIELDS = { 'kind', 'correlation_id', 'owner' }

-- Writes an event of a job into the stream, if some group follows it. tail: of its frame, nil if that is too large;
-- status: the state's name then. The job has its `id` and `seq`, and may have its `kind`.
local function follow(job, partition, event, tail, status)
  if job.kind and not followers_of(job.kind, event or '') then return end
  local found = job.correlation_id ~= nil and { job.kind, job.correlation_id, job.owner } or read_fields(job.id, EVENT_FIELDS)
  local kind = job.kind or found[1]
  local followers = kind and event and followers_of(kind, event)
  if not followers then return end
  if not event_counts then read_event_counts() end
  if not tail or #tail > FRAME_CAP then tail = '"event":"' .. event .. '","status":"' .. (status or event) .. '"}' end
  add_event({ job.id, event, kind, count_event(followers), found[2] or '', found[3] or '',
    frame_of(partition .. '.' .. job.id, job.seq, tail), '' })
end

local function mark_in(text)
  local bytes, id, ms = string.match(text or '', '^(%d+) ((%d+)%-%d+)$')
  return bytes and { bytes = tonumber(bytes), id = id, ms = tonumber(ms) }
end

-- Removes events that are too many, or too old: whole parts of the stream, of which each begins at a mark.
local function trim_events()
  local oldest = now - followed.max_age
  while true do
    local marks = redis.call('LRANGE', event_marks_key, 0, 1)
    local second = mark_in(marks[2])
    if not second then break end
    if event_counts.bytes - (event_counts.cut or 0) <= followed.max_bytes and second.ms >= oldest then break end
    redis.call('LPOP', event_marks_key)
    redis.call('XTRIM', events_key, 'MINID', second.id)
    event_counts.cut = second.bytes
  end
  redis.call('XTRIM', events_key, 'MINID', '~', string.format('%.0f', oldest))
  redis.call('PEXPIRE', events_key, followed.max_age)
  redis.call('PEXPIRE', event_marks_key, followed.max_age)
end

local function write_event_counts()
  trim_events()
  local fields = {}
  for field, count in pairs(event_counts) do
    fields[#fields + 1] = field
    fields[#fields + 1] = string.format('%.0f', count)
  end
  redis.call('HSET', event_counts_key, unpack(fields))
end
