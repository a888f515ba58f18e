#!lua flags=allow-oom
-- Reads a page of the events of a partition, for readers that keep their own place.
--
-- Atomic, because the counts say what was trimmed: those of the first entry that is left.
--
-- args = { group, after, ordinal, patterns, most, most_bytes }
--   group: whose counts say what was missed; after: an entry id: the page begins behind it; '0-0': at the first entry;
--   '$': behind the last event, nothing is read; ordinal: the group's count up to there, -1: not known;
--   patterns: { glob, events } …, of which an event must match one.
-- Reply: MessagePack array { position, ordinal, events, missed, more }
--   position, ordinal: where the next page begins; events: { entry, name, kind, correlation_id, owner, frame, ordinal } …;
--   missed: the group's events behind `after` that were trimmed; -1: not known how many, since the events were not written
--   for some time after it;
--   more: 1 if there may be more at once.
-- O(events seen).

local name, after, ordinal, patterns, most, most_bytes = unpack(args)
local SEEN_MOST = 2000

local group = load_group(name)
local total = count_of(name)

local function ms_of(entry) return tonumber(string.match(entry, '^%d+')) or 0 end

-- Returns the place behind the last event. It is no earlier than the group, so that it tells whether events were
-- written for the group behind it.
local function end_of_stream()
  local last = last_event()
  return ms_of(last) >= now and last or string.format('%.0f-18446744073709551615', now - 1)
end
if after == '$' then return cmsgpack.pack({ end_of_stream(), total, {}, 0, 0 }) end

local wanted = {}
for i, one in ipairs(patterns) do wanted[i] = { lua_pattern(one[1]), one[2] } end
local since = group and count_in(redis.call('HGET', group_key(name), 'since')) or now
local is_unbroken = after ~= '0-0' and ms_of(after) >= since
local missed = after ~= '0-0' and not is_unbroken and -1 or 0
if not is_unbroken then ordinal = -1 end

-- Notes what was trimmed between the count that the reader has and the one before an entry, or of now.
local function compare(before)
  if ordinal >= 0 and before and before > ordinal then missed = missed + before - ordinal end
end

local found, bytes, seen, position, more = {}, 0, 0, after, 0
local function read_one(event)
  local before, with = nil, nil
  if group then before, with = ordinals_in(event, group.pattern) end
  compare(before)
  position, ordinal = event.entry, with or ordinal
  if event.only == '' and follows(wanted, event.kind, event.name) then
    bytes = bytes + #event.frame
    found[#found + 1] = { event.entry, event.name, event.kind, event.correlation, event.owner, event.frame, ordinal }
  end
end

while more == 0 do
  local entries = redis.call('XRANGE', events_key, '(' .. position, '+', 'COUNT', 100)
  for _, entry in ipairs(entries) do
    if #found >= most or bytes >= most_bytes or seen >= SEEN_MOST then
      more = 1
      break
    end
    seen = seen + 1
    read_one(event_in(entry))
  end
  if #entries < 100 then break end
end
if more == 0 then
  compare(total)
  ordinal = total
end
return cmsgpack.pack({ position, ordinal, found, missed, more })
