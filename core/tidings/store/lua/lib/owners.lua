-- The jobs of each owner, for listing and following: a sorted set for each owner, by when the store took the job (us).
--
-- A member is the job's id, and after a space its tags, so that a search by tag reads no record. Jobs without an owner
-- stand in the set of the empty owner if they have tags; otherwise they are in none, and cost nothing here. A member
-- leaves when its job's record has left (sweep.lua) or is forgotten, or when the owner has more jobs than are listed.

local function owned_member(id, tags) return tags and tags ~= '' and id .. ' ' .. tags or id end

-- The set of an owner from whom nothing comes any more leaves after this time, if no sweep has removed it before.
local OWNED_TTL_MS = 2678400000
local OWNED_SLACK_MS = 86400000

-- Keeps the set of an owner for another while. It writes at most once a day.
local function keep_owned(key, for_ms)
  local wanted = OWNED_TTL_MS + for_ms
  if redis.call('PTTL', key) < wanted - OWNED_SLACK_MS then redis.call('PEXPIRE', key, wanted) end
end

-- New jobs, gathered for each owner and written once, at the end of the script.
local owned = {}
local owned_wait = {}
local owned_count = 0

-- Notes a new job of an owner, which waits for `wait` ms at the least.
local function own(owner, id, tags, wait)
  local row = owned[owner]
  if not row then
    row = {}
    owned[owner] = row
    owned_wait[owner] = 0
  end
  -- No job takes less than 1 us: each has a time of its own.
  owned_count = owned_count + 1
  row[#row + 1] = clock[1] * 1000000 + clock[2] + owned_count
  row[#row + 1] = owned_member(id, tags)
  if wait > owned_wait[owner] then owned_wait[owner] = wait end
end

-- Tells the servers that follow a job's tags. word: the job's id; with `+` before it: the job had ended, and lives again.
local function tell_followers(owner, word, tags)
  for tag in string.gmatch(tags, '%S+') do publish_tagged(owner, tag, word) end
end

-- A job that ended lives again: it keeps its place in the list.
local function own_again(owner, id, tags)
  if not redis.call('ZSCORE', owned_key(owner), owned_member(id, tags)) then own(owner, id, tags, 0) end
  if tags then tell_followers(owner, '+' .. id, tags) end
end

-- Writes them. The index must never be why a job is refused: a key that is no sorted set begins again.
-- most: jobs of one owner that are listed.
local function write_owned(most)
  for owner, row in pairs(owned) do
    local key = owned_key(owner)
    for first = 1, #row, 1000 do
      local last = math.min(first + 999, #row)
      local added = redis.pcall('ZADD', key, unpack(row, first, last))
      if type(added) == 'table' and added.err then
        redis.call('DEL', key)
        redis.call('ZADD', key, unpack(row, first, last))
      end
    end
    local over = redis.call('ZCARD', key) - most
    if over > 0 then redis.call('ZPOPMIN', key, over) end
    keep_owned(key, owned_wait[owner])
  end
end
