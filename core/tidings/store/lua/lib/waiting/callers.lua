-- How much each caller has in a partition: its live jobs, and the bytes of their envelopes. Changes are counted during
-- the whole script and written once, at its end.

local tallies, weights = {}, {}
local function tally(caller, change, bytes)
  if not caller or caller == '' then return end
  tallies[caller] = (tallies[caller] or 0) + change
  if bytes then weights[caller] = (weights[caller] or 0) + change * count_in(bytes) end
end

-- The live jobs of a caller. The store is asked once a script, and the script's own changes are added.
local counts = {}
local function live_of(caller)
  if not counts[caller] then counts[caller] = count_in(redis.call('HGET', callers_key, caller)) end
  return counts[caller] + (tallies[caller] or 0)
end

-- The bytes of their envelopes. Jobs of releases that did not count bytes are not among them.
local bytes_counted = {}
local function bytes_of(caller)
  if not bytes_counted[caller] then
    bytes_counted[caller] = count_in(redis.call('HGET', caller_bytes_key, caller))
  end
  return bytes_counted[caller] + (weights[caller] or 0)
end

local function write_tallies()
  for caller, change in pairs(tallies) do
    if add_to(callers_key, caller, change) <= 0 then redis.call('HDEL', callers_key, caller) end
  end
  for caller, change in pairs(weights) do
    if add_to(caller_bytes_key, caller, change) <= 0 then redis.call('HDEL', caller_bytes_key, caller) end
  end
end
