-- Claims idempotency keys for another partition of the queue, or returns the jobs that have them here.
--
-- A queue's placement may have sent a key here before it was changed. Who submits by the new one asks here first.
-- Atomic, because either a submitter by the old placement finds the claim and looks again, or the claimer finds its job:
-- the key never gets two.
--
-- args = { window_ms, items };  item: { key, fingerprint, epoch }
--   window_ms: how long a key is remembered; epoch: of the placement by which the key lies elsewhere.
-- Reply: MessagePack array with for each item { answer, id, state, seq, position, wait_ms }, as of `submit`
--   answer: 'claimed', 'stale' (by a newer placement than this), 'duplicate', 'reused'.
-- O(items).

local window, items = unpack(args)

local function claim_key(item)
  local name, fingerprint, epoch = unpack(item)
  local key = dedup_key(name)
  -- Another claim by the same placement says the same as this one.
  local reply = earlier(key, fingerprint, epoch + 1)
  if reply then return reply end
  redis.call('SET', key, '~' .. epoch, 'PX', window)
  return { 'claimed', '', '', 0, 0, 0 }
end

return cmsgpack.pack(for_each(items, claim_key))
