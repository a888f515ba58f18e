#!lua flags=allow-oom
-- Operates breakers: counts calls, answers whether a call may be tried, does what operators want. On the breakers' own
-- partition.
--
-- Atomic, because the next worker that asks must see a change of state: of two workers that ask at the same time one
-- gets the trial. tests/breaker/breaker_model.py is its model, line by line; a test compares them. Small and bounded,
-- so that a full store takes it too: the jobs that would empty it may wait for a breaker.
--
-- args = { items };  item = { verb, name, … }
--   'look', name
--   'report', name, spec, epoch, calls, failures, slow, notes
--   'enter', name, trial, lease_ms
--   'renew', name, trial, lease_ms
--   'leave', name, spec, trial, result, notes
--   'open', name, for_ms;  'close', name, for_ms;  'reset', name
--     spec: { failure_rate, window_ms, min_calls, slow_ms, slow_rate, open_ms };  result: 'ok', 'failures',
--     'slow' or 'void';  notes: { { kind, worker, text } … }, failures for people.
-- Reply: MessagePack array { now_ms, answers, changes }
--   answers: for each item { answer, view };  view = { name, state, epoch, wait_ms, reason }
--   changes: { { name, from, to, reason, calls, failures, slow } … }: what has changed its state, and the
--     calls in its window before.
-- O(items).

local items = args[1]
local SLICES = 10
local MAX_NOTES = 5
local KEPT_MS = 2592000000 -- a breaker that no worker uses for a month is forgotten

local breakers = {}
local changes = {}

-- The fields of a record, in their order there.
local FIELDS = { 'state', 'epoch', 'since', 'until', 'trial', 'trial_until', 'hold_until', 'opened', 'reason',
  'spec', 'slices', 'notes' }

-- A record that no script wrote is forgotten: the breaker begins again, closed.
local SORTS = { 'string', 'number', 'number', 'number', 'string', 'number', 'number', 'number', 'string', 'table',
  'table', 'table' }
local STATES = { closed = true, open = true, half_open = true }
local function is_record(record)
  if type(record) ~= 'table' or #record ~= #FIELDS or not STATES[record[1]] then return false end
  for i, sort in ipairs(SORTS) do
    if type(record[i]) ~= sort then return false end
  end
  for _, slice in ipairs(record[11]) do
    for i = 1, 4 do
      if type(slice) ~= 'table' or type(slice[i]) ~= 'number' then return false end
    end
  end
  return true
end

local function load(name)
  local known = breakers[name]
  if known then return known end
  local breaker = { name = name, state = 'closed', epoch = 0, since = 0, ['until'] = 0, trial = '', trial_until = 0,
    hold_until = 0, opened = 0, reason = '', spec = {}, slices = {}, notes = {}, fresh = true }
  local text = redis.pcall('GET', breaker_key(name))
  local readable, record = pcall(cmsgpack.unpack, type(text) == 'string' and text or '')
  if readable and is_record(record) then
    for i, value in ipairs(record) do breaker[FIELDS[i]] = value end
    breaker.fresh = false
  end
  breaker.told = breaker.epoch
  breakers[name] = breaker
  return breaker
end

local function save(breaker)
  local record = {}
  for i, field in ipairs(FIELDS) do record[i] = breaker[field] end
  local packed = cmsgpack.pack(record)
  if breaker.state == 'open' and breaker['until'] == 0 then -- a breaker that an operator holds open stays so
    redis.call('SET', breaker_key(breaker.name), packed)
  else
    redis.call('SET', breaker_key(breaker.name), packed, 'PX', KEPT_MS)
  end
  if breaker.fresh then redis.call('SADD', breakers_key, breaker.name) end
end

local function totals(breaker)
  local calls, failures, slow = 0, 0, 0
  for _, slice in ipairs(breaker.slices) do
    calls, failures, slow = calls + slice[2], failures + slice[3], slow + slice[4]
  end
  return calls, failures, slow
end

local function wait_ms(breaker)
  if breaker.state == 'open' then
    return breaker['until'] > 0 and math.max(breaker['until'] - now, 0) or -1
  end
  if breaker.state == 'half_open' and breaker.trial ~= '' then return math.max(breaker.trial_until - now, 0) end
  return 0
end

local function view(breaker)
  return { breaker.name, breaker.state, breaker.epoch, wait_ms(breaker), breaker.reason }
end

local function become(breaker, state, reason)
  if state ~= breaker.state then
    changes[#changes + 1] = { breaker.name, breaker.state, state, reason, totals(breaker) }
  end
  breaker.state, breaker.reason, breaker.since = state, reason, now
  breaker.epoch = breaker.epoch + 1
  breaker['until'], breaker.trial, breaker.trial_until, breaker.hold_until = 0, '', 0, 0
  breaker.slices = {}
end

local function open(breaker, opens_until, reason)
  become(breaker, 'open', reason)
  breaker['until'] = opens_until
  breaker.opened = breaker.opened + 1
end

local function count(breaker, calls, failures, slow)
  local window = breaker.spec[2]
  local slices = {}
  for _, slice in ipairs(breaker.slices) do
    if now - slice[1] < window then slices[#slices + 1] = slice end
  end
  local last = slices[#slices]
  if not last or (now - last[1]) * SLICES >= window then
    last = { now, 0, 0, 0 }
    slices[#slices + 1] = last
  end
  last[2], last[3], last[4] = last[2] + calls, last[3] + failures, last[4] + slow
  breaker.slices = slices
end

local function keep(breaker, notes)
  for _, note in ipairs(notes) do
    table.insert(breaker.notes, { now, note[1], note[2], note[3] })
    if #breaker.notes > MAX_NOTES then table.remove(breaker.notes, 1) end
  end
end

local function is_trial(breaker, trial)
  return breaker.state == 'half_open' and breaker.trial == trial
end

local STEP = {}

function STEP.look()
  return 'ok'
end

function STEP.report(breaker, spec, epoch, calls, failures, slow, notes)
  if breaker.state ~= 'closed' or epoch ~= breaker.epoch then return 'stale' end
  breaker.spec = spec
  keep(breaker, notes)
  count(breaker, calls, failures, slow)
  local failure_rate, _, min_calls, slow_ms, slow_rate, open_ms = unpack(spec)
  local all_calls, all_failures, all_slow = totals(breaker)
  if now >= breaker.hold_until and all_calls >= min_calls then
    if all_failures >= failure_rate * all_calls then
      open(breaker, now + open_ms, 'failures')
    elseif slow_ms > 0 and all_slow >= slow_rate * all_calls then
      open(breaker, now + open_ms, 'slow')
    end
  end
  return 'ok'
end

function STEP.enter(breaker, trial, lease_ms)
  if breaker.state == 'closed' then return 'closed' end
  if breaker.trial ~= trial or breaker.state == 'open' then
    if wait_ms(breaker) ~= 0 then return 'refused' end
    if breaker.state == 'open' then
      become(breaker, 'half_open', 'due')
    else
      breaker.epoch = breaker.epoch + 1
    end
    breaker.trial = trial
  end
  breaker.trial_until = now + lease_ms
  return 'trial'
end

function STEP.renew(breaker, trial, lease_ms)
  if not is_trial(breaker, trial) then return 'stale' end
  breaker.trial_until = now + lease_ms
  return 'ok'
end

function STEP.leave(breaker, spec, trial, result, notes)
  if not is_trial(breaker, trial) then return 'stale' end
  breaker.spec = spec
  keep(breaker, notes)
  if result == 'void' then
    breaker.trial, breaker.trial_until = '', 0
    breaker.epoch = breaker.epoch + 1
  elseif result == 'ok' then
    become(breaker, 'closed', 'trial')
  else
    open(breaker, now + spec[6], result)
  end
  return 'ok'
end

function STEP.open(breaker, for_ms)
  open(breaker, for_ms > 0 and now + for_ms or 0, 'operator')
  return 'ok'
end

function STEP.close(breaker, for_ms)
  become(breaker, 'closed', 'operator')
  breaker.hold_until = for_ms > 0 and now + for_ms or 0
  return 'ok'
end

function STEP.reset(breaker)
  become(breaker, 'closed', 'operator')
  breaker.opened, breaker.notes, breaker.spec = 0, {}, {}
  return 'ok'
end

local function step(item)
  local verb, name = item[1], item[2]
  local breaker = load(name)
  local answer = STEP[verb](breaker, unpack(item, 3))
  if verb ~= 'look' and answer ~= 'stale' and answer ~= 'refused' then breaker.dirty = true end
  return { answer, view(breaker) }
end

local answers = for_each(items, step)

for _, breaker in pairs(breakers) do
  if breaker.dirty then save(breaker) end
  if breaker.epoch ~= breaker.told then
    redis.call('PUBLISH', breakers_changed, cmsgpack.pack(view(breaker)))
  end
end

return cmsgpack.pack({ now, answers, changes })
