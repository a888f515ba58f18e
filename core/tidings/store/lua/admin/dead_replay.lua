-- Puts a batch of dead letters back into their queues.
--
-- Atomic, because a letter and its job must not both go on: the call that takes the letter out of the stream queues the
-- job, so a letter that is replayed twice, even at the same time, runs once.
--
-- The job keeps its token, owner, history and memoised steps; seq, fence and replays keep rising.
-- A saga goes on from its journal: it takes the step that failed for good again, or goes on undoing from the step whose
-- undoing failed. A saga that has undone everything begins again, with an empty journal.
-- Attempts count from 0 again, and the deadline, a wish to cancel and the expiry of the record are dropped.
--
-- args = { partition, letters };  letters: the entry ids in the dead-letter stream
-- Reply: MessagePack array with for each letter 'queued', 'gone' (it is not there: replayed, dropped or
--   trimmed), 'live' (its job is not failed; the letter stays) or 'held' (another job with its unique value
--   lives; the letter stays).
-- O(letters · fields).

local partition, letters = unpack(args)

-- The fields of a letter that the record does not have.
local OWN = { id = true, env = true, note = true, once = true, steps = true }

local function read(entry)
  local found = redis.call('XRANGE', dead_key, entry, entry)[1]
  if not found then return nil end
  local letter, record = {}, {}
  for j = 1, #found[2], 2 do
    local name, value = found[2][j], found[2][j + 1]
    letter[name] = value
    if not OWN[name] then
      record[#record + 1] = name
      record[#record + 1] = value
    end
  end
  return letter, record
end

-- 500 fields at a time: Lua's unpack is bounded.
local function write(key, fields)
  for first = 1, #fields, 1000 do
    redis.call('HSET', key, unpack(fields, first, math.min(first + 999, #fields)))
  end
end

-- The log goes on if it is still there. Otherwise a client that asks for its first part learns that it is truncated.
local function reopen_log(id, key, seq)
  redis.call('PERSIST', log_key(id))
  if redis.call('HEXISTS', key, 'logged') == 1 and redis.call('EXISTS', log_key(id)) == 0 then
    redis.call('HDEL', key, 'logged')
    redis.call('HSET', key, 'log_from', seq)
  end
end

-- The streams go on if they are still there: the next attempt may keep what they hold.
local function reopen_streams(id, key)
  local job = { id = id, streams = redis.call('HGET', key, 'streams') }
  if not job.streams then return end
  for _, state in ipairs(job_streams(job)) do
    redis.call('PERSIST', chunks_key(id, state[1]))
    if redis.call('EXISTS', chunks_key(id, state[1])) == 0 then state[4], state[5], state[6] = 0, -1, 0 end
  end
  redis.call('HSET', key, 'streams', cmsgpack.pack(job.stream_states))
end

-- The webhooks of the job get its next end too.
local function reopen_webhooks(key)
  local webhook, watchers = unpack(redis.call('HMGET', key, 'webhook', 'watchers'))
  if not webhook then return end
  redis.call('HDEL', key, 'webhook_told')
  redis.call('HSET', key, 'watchers', (watchers or '') .. ' ' .. (string.match(webhook, '^%S+') or ''))
end

-- Empties the journal of a saga that begins again; `epoch` makes the keys of its steps new.
local function clear_saga(id, key)
  redis.call('DEL', steps_key(id))
  redis.call('HDEL', key, 'unwinding', 'cause', 'cause_note', 'owed', 'steps', 'steps_bytes', 'ordinal', 'signals',
    'compensation', 'awaits')
  redis.call('HINCRBY', key, 'epoch', 1)
end

-- Forgets the step whose failure ended the job, so that the saga takes it again.
local function forget_failed(id, key, problem)
  local path = string.match(problem, '"path":"([%d.]+)"')
  if not path then return end
  if string.find(redis.call('HGET', steps_key(id), path) or '', '"ok":false', 1, true) then
    redis.call('HDEL', steps_key(id), path, path .. ':in', path .. ':out')
    redis.call('HINCRBY', key, 'steps', -1)
  end
end

local function reopen_saga(id, key)
  local unwinding, compensation, problem = unpack(redis.call('HMGET', key, 'unwinding', 'compensation', 'problem'))
  redis.call('PERSIST', steps_key(id))
  redis.call('HDEL', key, 'parked', 'compensation', 'held_in')
  if compensation == 'complete' then
    clear_saga(id, key)
  elseif not unwinding and problem then
    forget_failed(id, key, problem)
  end
end

local function reopen(id, key, tier, envelope)
  if redis.call('HEXISTS', key, 'saga') == 1 then reopen_saga(id, key) end
  local seq = redis.call('HINCRBY', key, 'seq', 1)
  local replays = redis.call('HINCRBY', key, 'replays', 1)
  redis.call('HDEL', key, 'letter', 'problem', 'progress', 'finished', 'deadline', 'cancel')
  redis.call('HSET', key, 'attempt', 0, 'lost', 0)
  local caller, unique, size, owner, tags = unpack(redis.call('HMGET', key, 'caller', 'unique', 'size', 'owner', 'tags'))
  tally(caller, 1, size)
  if unique then hold(unique, id, 0) end
  if owner or tags then own_again(owner or '', id, tags) end
  redis.call('PERSIST', key)
  reopen_log(id, key, seq)
  reopen_streams(id, key)
  reopen_webhooks(key)
  enqueue(id, tier, envelope, caller)
  tell({ id = id, seq = seq, watchers = redis.call('HGET', key, 'watchers') }, partition, CHANGE,
    '"event":"queued","status":"queued","data":{"replay":' .. replays .. '}}')
end

-- Counts the steps of a journal: the letter's field of that name holds the journal itself.
local function count_steps(fields)
  local count = 0
  for j = 1, #fields, 2 do
    if string.find(fields[j], '^[%d.]+$') then count = count + 1 end
  end
  return count
end

local function replay(entry)
  local letter, record = read(entry)
  local state = letter and load_job(letter.id, { 'state' }).state
  if not letter then return 'gone' end
  if state and not may_replay(state, QUEUED) then return 'live' end
  if letter.unique and holder(letter.unique) then return 'held' end
  local key = job_key(letter.id)
  if state then
    check_record(state, redis.call('HGET', key, 'seq'))
  else
    check_record(letter.state, letter.seq)
  end
  if not letter.tier or not letter.env or letter.env == '' then error('the letter is broken: it has no job', 0) end
  local memoised = not state and letter.once and cmsgpack.unpack(letter.once) or {}
  local steps = not state and letter.steps and cmsgpack.unpack(letter.steps) or {}
  redis.call('XDEL', dead_key, entry)
  if not state then
    write(key, record)
    write(key, memoised)
    write(steps_key(letter.id), steps)
    if #steps > 0 then redis.call('HSET', key, 'steps', count_steps(steps)) end
  end
  reopen(letter.id, key, letter.tier, letter.env)
  return 'queued'
end

local replies = for_each(letters, replay)
write_owned(math.huge)
conclude()
return cmsgpack.pack(replies)
