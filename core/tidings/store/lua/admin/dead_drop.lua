#!lua flags=allow-oom
-- Removes a batch of dead letters; the jobs stay failed, and their records stay until they expire.
--
-- Atomic, because a letter that is replayed at the same moment is either queued or dropped, not both.
--
-- args = { letters };  letters: the entry ids in the dead-letter stream
-- Reply: MessagePack array with for each letter 'dropped' or 'gone' (it was not there). O(letters).

local letters = args[1]

local function drop(entry)
  local found = redis.call('XRANGE', dead_key, entry, entry)[1]
  if not found then return 'gone' end
  redis.call('XDEL', dead_key, entry)
  for j = 1, #found[2], 2 do
    if found[2][j] == 'id' then redis.call('HDEL', job_key(found[2][j + 1]), 'letter') end
  end
  return 'dropped'
end

return cmsgpack.pack(for_each(letters, drop))
