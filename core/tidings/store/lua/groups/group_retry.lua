-- Gives a group dead events again: each is written into the stream once more, for this group alone.
--
-- Atomic, because a letter leaves with the entry that stands for it.
--
-- args = { group, letters };  letters: entries of the group's dead letters.
-- Reply: MessagePack array with for each letter 'ok' or 'gone'.  O(letters).

local group, letters = unpack(args)

local function give_again(letter)
  local found = redis.call('XRANGE', group_dead_key(group), letter, letter)[1]
  if not found then return 'gone' end
  local event = event_in(found)
  if event.frame == '' then error('the letter holds no event: the stream had lost it', 0) end
  if not followed then error('no group follows anything here', 0) end
  if not event_counts then read_event_counts() end
  add_event({ event.job, event.name, event.kind, count_event({}), event.correlation, event.owner, event.frame, group })
  redis.call('XDEL', group_dead_key(group), letter)
  return 'ok'
end

local replies = for_each(letters, give_again)
conclude()
return cmsgpack.pack(replies)
