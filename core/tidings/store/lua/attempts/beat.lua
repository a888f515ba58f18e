#!lua flags=allow-oom
-- Renews the leases of all jobs that a worker runs: its heartbeat.
--
-- Atomic, because only the holder of the fence may renew: a claim by a worker that was taken for dead would steal the
-- entry back.
--
-- args = { worker, items };  item = { id, fence, tier, entry }
-- Reply: MessagePack array with for each item 'ok', 'cancel' (someone asked that it stop) or 'lost'.
-- O(items).

local worker, items = unpack(args)
local held = {}

local FIELDS = { 'state', 'fence', 'cancel' }

local function look(item)
  local id, fence, tier, entry = unpack(item)
  local state, current, cancel = unpack(read_fields(id, FIELDS))
  if state == RUNNING and tonumber(current) == fence then
    local stream, place_in_it = place(tier, entry)
    held[stream] = held[stream] or { jobs = {} }
    table.insert(held[stream], place_in_it)
    held[stream].jobs[place_in_it] = id
    return cancel and 'cancel' or 'ok'
  end
  return 'lost'
end

local replies = for_each(items, look)

-- An entry that was deleted has no lease to renew: the mark tells the sweep that its job still runs.
local function mark_vanished(jobs, some, asked, renewed)
  local there = {}
  for _, one in ipairs(renewed) do there[one] = true end
  for i = 1, asked do
    if not there[some[i]] then redis.call('HSET', job_key(jobs[some[i]]), 'vanished', now) end
  end
end

-- JUSTID: idle time is reset, deliveries are not counted. 500 at a time: Lua's unpack is bounded.
for stream, entries in pairs(held) do
  for first = 1, #entries, 500 do
    local some = { unpack(entries, first, math.min(first + 499, #entries)) }
    local asked = #some
    some[asked + 1] = 'JUSTID'
    local renewed = redis.pcall('XCLAIM', stream, GROUP, worker, 0, unpack(some))
    if renewed.err or #renewed < asked then mark_vanished(entries.jobs, some, asked, renewed) end
  end
end

return cmsgpack.pack(replies)
