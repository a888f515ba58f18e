#!lua flags=allow-oom
-- Writes what became of events that a worker of a group had in hand.
--
-- Atomic, because the end of one event gives its job's next event free; and only the worker that holds the lease may
-- write, so that a worker that was taken for dead changes nothing.
--
-- args = { group, worker, max_dead, items };  item = { job, entry, tries, outcome, delay_ms, letter }
--   outcome: 'done', 'retry' (after delay_ms), 'back' (handed back: the try does not count) or 'dead' (it gets no other
--   try); letter: of a dead event, JSON text of what operators are shown; else ''.
-- Reply: MessagePack array with for each item 'ok', 'next' (and another event of the job may be taken now) or 'lost'
--   (another worker has it, or an operator moved the group).
-- O(items).

local group, worker, max_dead, items = unpack(args)

-- The letter holds the event whole: it outlives the stream.
local function bury(event, entry, job, tries, letter)
  redis.call('XADD', group_dead_key(group), 'MAXLEN', '~', max_dead, '*', 'job', job, 'event', event.name or '', 'kind',
    event.kind or '', 'correlation', event.correlation or '', 'owner', event.owner or '', 'frame', event.frame or '',
    'entry', entry, 'tries', tries, 'letter', letter)
  redis.call('HINCRBY', group_key(group), 'dead', 1)
end

local function settle_event(item)
  local job, entry, tries, outcome, delay, letter = unpack(item)
  local state = job_state(group, job)
  if not state or state[1] ~= worker or state[2] ~= tries or state[3][1] ~= entry then return 'lost' end
  state[1] = ''
  if outcome == 'retry' or outcome == 'back' then
    if outcome == 'back' then state[2] = state[2] - 1 end
    write_job(group, job, state, now + delay)
    return 'ok'
  end
  if outcome == 'dead' then bury(read_event(entry) or {}, entry, job, tries, letter) end
  table.remove(state[3], 1)
  state[2] = 0
  write_job(group, job, state, now)
  return #state[3] > 0 and 'next' or 'ok'
end

local replies = for_each(items, settle_event)
local handled = 0
for i, reply in ipairs(replies) do
  if reply ~= 'lost' and items[i][4] == 'done' then handled = handled + 1 end
end
if handled > 0 then redis.call('HINCRBY', group_key(group), 'handled', handled) end
return cmsgpack.pack(replies)
