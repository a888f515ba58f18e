#!lua flags=allow-oom
-- Reads deliveries for people: those of a job, or those that are pending, dead or done in a partition; and its places.
--
-- Atomic, because a delivery and its tries are of one moment.
--
-- args = { what, which, after, most }
--   what: 'job' (which: its id); 'pending', 'dead' or 'done' (which: only of this place, '': of any), or 'places'
--   after: how many to pass over; most: how many to return.
-- Reply: MessagePack array { total, rows }
--   row of a delivery = { name, state, tries, at_ms, place, url, format, id, created_ms, event, bytes, tried }; bytes: of what
--   is delivered, 0 if it was too large for an event; tried: JSON lines
--   row of a place = { place, due, held, rest_ms }; rest_ms: until when it rests, -1: until an operator resumes it.
-- O(after + most), and O(rows that are looked at, at most LOOK) where only those of a place are wanted.

local what, which, after, most = unpack(args)
local LOOK = 5000
local rows = {}

local function add_delivery(name)
  local stands = standing(name)
  if not stands then return end
  local id, field = delivery_of(name)
  local row = webhook_key('of', id)
  local text, tried = unpack(redis.call('HMGET', row, field, field .. ':t'))
  local one = cmsgpack.unpack(text or '')
  if (what ~= 'job' and which ~= '' and one[1] ~= which) then return end
  rows[#rows + 1] = { name, stands[1], stands[2], stands[4], one[1], one[2], one[3], one[4], one[5], one[6], #one[8],
    tried or '' }
end

local function list_job()
  local fields = {}
  for _, field in ipairs(redis.call('HKEYS', webhook_key('of', which))) do
    if string.find(field, '^%d+_%d+$') then fields[#fields + 1] = field end
  end
  table.sort(fields, function(one, other)
    local a, b = tonumber(string.match(one, '^%d+')), tonumber(string.match(other, '^%d+'))
    return a < b or a == b and one < other
  end)
  for i = after + 1, math.min(#fields, after + most) do pcall(add_delivery, which .. '_' .. fields[i]) end
  return #fields
end

local function list_row()
  local row, at = webhook_key(what), after
  local command = what == 'pending' and 'ZRANGE' or 'ZREVRANGE' -- what waits longest, or the newest
  while #rows < most and at < after + LOOK do
    local names = redis.call(command, row, at, at + 99)
    for _, name in ipairs(names) do
      if #rows < most then pcall(add_delivery, name) end
    end
    if #names < 100 then break end
    at = at + 100
  end
  return redis.call('ZCARD', row)
end

local function list_places()
  local places = {}
  for _, place in ipairs(redis.call('ZRANGE', webhook_key('places'), 0, LOOK)) do places[place] = true end
  for _, place in ipairs(redis.call('HKEYS', webhook_key('rests'))) do places[place] = true end
  local names = {}
  for place in pairs(places) do names[#names + 1] = place end
  table.sort(names)
  for i = after + 1, math.min(#names, after + most) do
    rows[#rows + 1] = { names[i], redis.call('ZCARD', webhook_key('due', names[i])),
      redis.call('ZCARD', webhook_key('held', names[i])), tonumber(redis.call('HGET', webhook_key('rests'), names[i]) or 0) }
  end
  return #names
end

local total = what == 'job' and list_job() or what == 'places' and list_places() or list_row()
return cmsgpack.pack({ total, rows })
