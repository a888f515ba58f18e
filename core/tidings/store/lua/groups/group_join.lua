#!lua flags=allow-oom
-- Says what a group follows in this partition, and makes the group where it is new: it begins behind the last event.
--
-- Atomic, because two workers of one group that start at the same time must each find what the other said.
--
-- What a worker says is added to what the others say. A pattern that no worker has named for `keep_ms`, while others of
-- the group joined, is no longer followed; a group whose workers are all away keeps its patterns.
--
-- args = { group, patterns, expires_ms, keep_ms, max_age_ms, max_bytes, max_groups };
--   patterns: { glob, events } …; events: their names with a space before and after each;
--   expires_ms: how long the group is followed after this call; 0: until it is forgotten;
--   max_age_ms, max_bytes: bounds of the stream; what the last caller says holds; 0: what was said before, or the defaults;
--   max_groups: of this sort (their names begin with `~`, or do not) in the partition.
-- Reply: MessagePack array { answer, wait_ms, position }
--   answer: 'new', 'changed', 'known' or 'full' (there are as many as may be);
--   wait_ms: after which time every script follows what was said.
-- O(groups + patterns).

local group, patterns, expires, keep, max_age, max_bytes, max_groups = unpack(args)

local function others()
  local flat, count = redis.call('HGETALL', groups_key), 0
  local is_internal = string.sub(group, 1, 1) == '~'
  for i = 1, #flat, 2 do
    local name = string.sub(flat[i], 2)
    local other = string.sub(flat[i], 1, 1) == ':' and decode_group(name, flat[i + 1])
    if other and other.expires > 0 and other.expires <= now then
      redis.call('HDEL', groups_key, flat[i])
      redis.call('HDEL', event_counts_key, flat[i])
      redis.call('DEL', group_key(name))
    elseif name ~= group and other and (string.sub(name, 1, 1) == '~') == is_internal then
      count = count + 1
    end
  end
  return count
end

local full = others() >= max_groups
local text = redis.call('HGET', groups_key, ':' .. group)
local known = text and decode_group(group, text)
if full and not known then return cmsgpack.pack({ 'full', 0, '' }) end

local kept, named, fresh = {}, {}, false
local function name_of(glob, events) return glob .. events end
local before = {}
for _, one in ipairs(known and known.patterns or {}) do before[name_of(one[3], one[2])] = one end
for _, one in ipairs(patterns) do
  local name = name_of(one[1], one[2])
  if not before[name] then fresh = true end
  if not named[name] then kept[#kept + 1] = { one[1], one[2], now } end
  named[name] = true
end
for name, one in pairs(before) do
  if not named[name] then
    if one[4] >= now - keep then
      kept[#kept + 1] = { one[3], one[2], one[4] }
    else
      fresh = true
    end
  end
end

redis.call('HSET', groups_key, ':' .. group, cmsgpack.pack({ expires > 0 and now + expires or 0, kept }))
if max_age > 0 then redis.call('HSET', groups_key, 'limits', string.format('%.0f %.0f', max_age, max_bytes)) end
local key = group_key(group)
local position = redis.call('HGET', key, 'position')
local answer = position and (fresh and 'changed' or 'known') or 'new'
if not position then
  position = last_event()
  redis.call('HSET', key, 'position', position, 'ordinal', count_of(group), 'since', now, 'missed', 0)
end
if expires > 0 then redis.call('PEXPIRE', key, expires) end
FOLLOWED.by_root[channels] = nil -- of this library; one of another release reads the groups again when it is time
return cmsgpack.pack({ answer, (fresh or answer == 'new') and FRESH_MS or 0, position })
