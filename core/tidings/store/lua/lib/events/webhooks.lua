-- Deliveries: what happens to a job that asks for webhooks, on its way to them.
--
-- The record of such a job has the field `webhook`: a mark, a space, and a JSON list of { url, place, events, format, id }.
-- The mark is `>` where terminal events alone are wanted, `>*` otherwise, and stands among the job's `watchers` too: so
-- jobs that ask for none cost nothing, and `tell` (lib/events/events.lua) makes the deliveries in the script that brings about
-- the event.
--
-- A delivery is named `<job>_<seq>_<n>`: the event's number, and which webhook of the job. The hash `webhook-of:<job>` holds
-- the deliveries of a job: under `<seq>_<n>` what is delivered, under `<seq>_<n>:s` how it stands { state, tries, fence,
-- at_ms }, under `<seq>_<n>:t` its tries (JSON lines), and for all of them `job`, `open` (how many are not over),
-- `count` and `left_out`.
--
-- A place is a host with its port. Each has two rows, sorted sets of deliveries: `webhook-due:<place>`, by when they are
-- due, and `webhook-held:<place>`, those that a worker has taken, by when its lease ends. `webhook-places` ranks the
-- places by when there is something to take or to take over; `webhook-rests` says until when a place rests (ms; -1:
-- until an operator resumes it).

-- The deliveries of one job that are not of its end; more are left out, and the last delivery says how many.
local MOST_DELIVERIES = 1000
local places_noted

local function write_delivery(job, hook, number, event, tail)
  local row, field = webhook_key('of', job.id), job.seq .. '_' .. number
  if redis.call('HEXISTS', row, field) == 1 then return end
  local name = job.id .. '_' .. field
  redis.call('HSET', row, field, cmsgpack.pack({ hook.place, hook.url, hook.format or '', hook.id or '', now, event, job.seq,
    tail or '' }), field .. ':s', cmsgpack.pack({ 'waiting', 0, 0, now }))
  redis.call('HINCRBY', row, 'open', 1)
  redis.call('HINCRBY', row, 'count', 1)
  redis.call('PERSIST', row)
  redis.call('ZADD', webhook_key('pending'), now, name)
  redis.call('ZADD', webhook_key('due', hook.place), now, name)
  add_to(webhook_key('callers'), job.caller_of_webhook, 1)
  places_noted = places_noted or {}
  places_noted[hook.place] = true
end

local WEBHOOK_FIELDS = { 'webhook', 'kind', 'correlation_id', 'tags', 'owner', 'caller', 'traceparent', 'state', 'attempt' }

-- Makes the deliveries of an event; the record is as the event leaves it. tail: of the event's frame; nil: it is too large,
-- and what the job ended with is read when it is delivered. name: the event's, where there is no tail.
local function note_deliveries(job, is_final, tail, name)
  local one = load_job(job.id, WEBHOOK_FIELDS)
  local known, hooks = pcall(cjson.decode, string.match(one.webhook or '', '^%S+ (.*)$') or '')
  local event = is_final and one.state or name or tail and string.match(tail, '^"event":"(%l+)"')
  if not known or type(hooks) ~= 'table' or not event then return end
  local row = webhook_key('of', job.id)
  job.caller_of_webhook = one.caller or ''
  for number, hook in ipairs(hooks) do
    if string.find(hook.events, ' ' .. event .. ' ', 1, true) then
      redis.call('HSETNX', row, 'job', cmsgpack.pack({ one.kind or '', one.correlation_id or '', one.tags or '',
        one.owner or '', one.caller or '', one.traceparent or '' }))
      if is_final or count_in(redis.call('HGET', row, 'count')) < MOST_DELIVERIES then
        write_delivery(job, hook, number, event, tail)
      else
        redis.call('HINCRBY', row, 'left_out', 1)
      end
    end
  end
  if is_final then redis.call('HSET', job_key(job.id), 'webhook_told', job.seq) end
end

-- Makes them, and lets nothing that no script wrote keep a job from going on. A job that ended without them gets them
-- from the sweep, when what is in the way is gone.
local function note_if_possible(job, is_final, tail, name)
  local done_well, reason = pcall(note_deliveries, job, is_final, tail, name)
  if not done_well then fault_of(reason) end -- an error that concerns the whole store ends the call
end

-- Ranks the places that this script gave deliveries, and tells the workers.
local function write_places()
  if not places_noted then return end
  for place in pairs(places_noted) do redis.pcall('ZADD', webhook_key('places'), 'LT', now, place) end
  redis.call('PUBLISH', channels .. 'webhooks', '')
end

-- Ranks a place by when there is something to do: for what is due already by this moment, to the µs, so that places take
-- turns.
-- per_place: how many deliveries may be held at a time.
local function moment() return clock[1] * 1000 + clock[2] / 1000 end
local function rank_place(place, per_place)
  local rest = tonumber(redis.call('HGET', webhook_key('rests'), place) or 0)
  local due = redis.call('ZRANGE', webhook_key('due', place), 0, 0, 'WITHSCORES')[2]
  local held = redis.call('ZRANGE', webhook_key('held', place), 0, 0, 'WITHSCORES')[2]
  local at = held and tonumber(held)
  if due and rest >= 0 and redis.call('ZCARD', webhook_key('held', place)) < per_place then
    local ready = math.max(tonumber(due), rest, moment())
    at = at and math.min(at, ready) or ready
  end
  if at then
    redis.call('ZADD', webhook_key('places'), at, place)
  else
    redis.call('ZREM', webhook_key('places'), place)
  end
end

-- Returns the job and the field of a delivery.
local function delivery_of(name) return string.match(name, '^(.*)_(%d+_%d+)$') end

-- Returns how a delivery stands, { state, tries, fence, at_ms }; nil: it is no more.
local function standing(name)
  local id, field = delivery_of(name)
  local text = id and redis.call('HGET', webhook_key('of', id), field .. ':s')
  local known, found = pcall(cmsgpack.unpack, text or '')
  return text and known and type(found) == 'table' and #found == 4 and found or nil
end
