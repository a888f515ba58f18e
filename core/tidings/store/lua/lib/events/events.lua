-- The events of jobs, on their way to the servers whose clients watch them.
--
-- Events are gathered for each gateway and published once, at the end of the script. An event whose frame is larger
-- than FRAME_CAP travels without it, and the server reads the job instead: so no message comes near the store's
-- output-buffer limit for subscribers (by default 32 MB at once, or 8 MB for 60 s). While a script runs, the store
-- writes to no connection, so what one script publishes to one gateway is bounded too: events past SCRIPT_CAP travel
-- without their frames.

-- The classes of events (protocol/events.py, EventClass).
local PROGRESS, LOG, CHANGE, FINAL = 0, 1, 2, 3

local MESSAGE_CAP = 1048576
local SCRIPT_CAP = 4194304
local outboxes = {}

-- A frame's tail is its text from `"event"` on, with the closing brace. All tails are made here but those of a saga's
-- steps, which the worker makes (step.lua).

-- The tail of an event whose data are known as JSON text. If it is too large to be published: nil, and the names of the
-- event and of the state. The check before the concatenation saves a copy of what is too large.
local function data_tail(event, status, data)
  if #data > FRAME_CAP then return nil, event, status end
  return '"event":"' .. event .. '","status":"' .. status .. '","data":' .. data .. '}'
end

-- The tail of an event that has no data and is named as its state.
local function bare_tail(state)
  return '"event":"' .. state .. '","status":"' .. state .. '","data":{}}'
end

-- The tail of an event whose data end with one value: members are the JSON members before it, without braces, or ''.
-- If the value is too large to be published: as `data_tail`.
local function value_tail(event, status, members, field, value)
  if #value > FRAME_CAP then return nil, event, status end
  return '"event":"' .. event .. '","status":"' .. status .. '","data":{' .. members .. (members ~= '' and ',"' or '"') ..
    field .. '":' .. value .. '}}'
end

-- The tail of the event of a job that fails for a problem, which is JSON text.
local function failed_tail(problem) return value_tail(FAILED, FAILED, '', 'problem', problem) end

local function publish(gateway, box)
  if box.count > 0 then
    redis.call('PUBLISH', channels .. 'inbox:' .. gateway, cmsgpack.pack(box.entries))
    box.entries, box.count, box.bytes = {}, 0, 0
  end
end

-- What a text of watchers says: the boxes of its gateways, and where in it the webhooks stand (`hook`; nil: nowhere). Most
-- jobs have one of a few texts, so each is taken apart once a script.
local read_watchers = {}
local function watchers_in(text)
  local found = read_watchers[text]
  if found then return found end
  found = { hook = string.find(text, '>', 1, true) }
  -- A mark with `>` stands for webhooks, and is no gateway (webhooks.lua).
  for gateway in string.gmatch(text, found.hook and '[^%s>*]+' or '%S+') do
    local box = outboxes[gateway]
    if not box then
      box = { gateway = gateway, entries = {}, count = 0, bytes = 0, sent = 0 }
      outboxes[gateway] = box
    end
    found[#found + 1] = box
  end
  read_watchers[text] = found
  return found
end

local function put_into(box, entry)
  local size = #entry[4]
  if box.sent + size > SCRIPT_CAP then
    entry, size = { entry[1], entry[2], entry[3], '' }, 0
  end
  if box.bytes + size > MESSAGE_CAP then publish(box.gateway, box) end
  box.count, box.bytes, box.sent = box.count + 1, box.bytes + size, box.sent + size
  box.entries[box.count] = entry
end

-- Gathers an event of a job for the gateways that watch it. The job has `id`, `seq` (the event's number) and `watchers`;
-- tail: the frame's, or nil if it is too large.
local function tell_gateways(job, partition, class, tail)
  local watchers = job.watchers
  if not watchers or watchers == '' then return end
  local boxes, token, seq = watchers_in(watchers), job.token, job.seq
  if not token then
    token = partition .. '.' .. job.id
    job.token = token
  end
  local entry = { token, seq, class, tail and #tail <= FRAME_CAP and frame_of(token, seq, tail) or '' }
  for i = 1, #boxes do put_into(boxes[i], entry) end
end

-- Gathers an event of a job for all who get it: groups, webhooks and gateways. event, status: their names, where there is
-- no tail.
local function tell(job, partition, class, tail, event, status)
  if followed then follow(job, partition, event or string.match(tail or '', '^"event":"(%a+)"'), tail, status) end
  local watchers = job.watchers
  if not watchers or watchers == '' then return end
  local hook = watchers_in(watchers).hook
  if hook and (class == FINAL or string.byte(watchers, hook + 1) == 42) then
    note_if_possible(job, class == FINAL, tail, event)
  end
  tell_gateways(job, partition, class, tail)
end
