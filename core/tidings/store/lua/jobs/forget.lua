#!lua flags=allow-oom
-- Removes a batch of jobs that have ended: input, result, log, streams, steps, dead letter and deliveries to webhooks.
--
-- Atomic, because a job whose letter is replayed meanwhile lives again, and no part of it may then be missing.
--
-- The idempotency key stays as long as it would, so that a submission that is repeated does not run again; it holds the
-- job's id and a digest of the input. So does the history of finished jobs, which has no input and no result.
--
-- args = { items };  item = { id, owner };  owner: only the job of this owner is touched, '': any job
-- Reply: MessagePack array with for each item { answer, children }: 'forgotten', 'live' (it has not ended: nothing was
--   removed) or 'unknown'; children: of a saga the tokens of the jobs that did, or undid, its steps.
-- O(items · steps).

local items = args[1]

-- The tokens of a saga's children stand in the heads of its steps.
local function children_of(id)
  local children, journal = {}, steps_key(id)
  for _, field in ipairs(redis.call('HKEYS', journal)) do
    if string.find(field, '^[%d.]+$') then
      local head = redis.call('HGET', journal, field)
      for name in pairs({ child = 1, undo_child = 1 }) do
        local token = string.match(head, '"' .. name .. '":"([%w_.-]+)"')
        if token then children[#children + 1] = token end
      end
    end
  end
  return children
end

-- Deliveries hold what the job ended with. Those that are not over are dropped, and count no longer for the caller; the
-- rows of their places lose them when a worker looks there (webhook_take.lua).
local function forget_deliveries(id)
  local row = webhook_key('of', id)
  local open, job = unpack(redis.call('HMGET', row, 'open', 'job'))
  if not job then return end
  local known, said = pcall(cmsgpack.unpack, job)
  local caller = known and type(said) == 'table' and said[5] or ''
  if count_in(open) > 0 and add_to(webhook_key('callers'), caller, -count_in(open)) <= 0 then
    redis.call('HDEL', webhook_key('callers'), caller)
  end
  redis.call('UNLINK', row)
end

local function forget(item)
  local id, caller = unpack(item)
  local job = load_job(id, { 'state', 'owner', 'tags', 'saga', 'letter', 'streams' })
  if not job.state or (caller ~= '' and job.owner ~= caller) then return { 'unknown', {} } end
  if not terminal(job.state) then return { 'live', {} } end
  local children = job.saga and children_of(id) or {}
  if job.letter then redis.call('XDEL', dead_key, job.letter) end
  forget_deliveries(id)
  redis.call('UNLINK', job_key(id), log_key(id), steps_key(id))
  for _, state in ipairs(job_streams(job)) do redis.call('UNLINK', chunks_key(id, state[1])) end
  redis.call('ZREM', owned_key(job.owner or ''), owned_member(id, job.tags))
  return { 'forgotten', children }
end

return cmsgpack.pack(for_each(items, forget))
