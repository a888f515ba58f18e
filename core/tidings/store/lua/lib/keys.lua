-- The names of everything in one partition.
--
-- KEYS[1] is the partition's root, `t:{partition}:`, or that of another key prefix. Every key is derived from it here,
-- and store/keys.py makes the same names in Python (a test compares them). All keys of a partition lie in one slot of a
-- Redis Cluster.
-- ARGV[1] is a MessagePack array; each script says at its top what that array holds.
-- ARGV[2] is the prefix of all channels, which the databases of one store share; database 0 has no prefix.
-- ARGV[3] is not empty if the answer waits for replicas: `WAIT` covers what was written last, so a script that finds all
-- done before must write too (redis/replication/replicated_calls.py).
-- ARGV[4] and what follows are large texts, for whose places ARGV[1] has numbers (lib/batch.lua, `place_texts`).
--
-- Whatever stands at the left margin, in these files and in the scripts, is one of three: a function or a CONSTANT,
-- which the store makes once when it loads the library; a variable, which each call sets again; or a statement, which
-- each call runs (redis/lua_library.py). A variable of these files is state of one call.

local root = KEYS[1]
local args = cmsgpack.unpack(ARGV[1])
local channels = (ARGV[2] or '') .. root
if (ARGV[3] or '') ~= '' then redis.call('SET', root .. 'replicated', '', 'PX', 3600000) end

local GROUP = 'workers'
local function ready_key(tier, lane)
  return root .. 'ready:' .. tier .. (lane and '/' .. lane or '')
end
local function job_key(id) return root .. 'job:' .. id end
local function log_key(id) return root .. 'log:' .. id end
local function chunks_key(id, stream) return root .. 'chunks:' .. id .. ':' .. stream end
local function steps_key(id) return root .. 'steps:' .. id end
local function dedup_key(suffix) return root .. 'key:' .. suffix end
local outbox_key = root .. 'outbox'
local sagas_key = root .. 'sagas'
local function sagas_of_key(line) return root .. 'sagas:' .. line end
local held_sagas_key = root .. 'held-sagas'
local function held_sagas_of_key(line) return root .. 'held-sagas:' .. line end
local scheduled_key = root .. 'scheduled'
local dead_key = root .. 'dead'
local recurring_key = root .. 'recurring'
local callers_key = root .. 'callers'
local caller_bytes_key = root .. 'caller-bytes'
local deadlines_key = root .. 'deadlines'
local function flow_key(tier) return root .. 'flow:' .. tier end
local function owned_key(owner) return root .. 'owned:' .. owner end
local function unique_key(suffix) return root .. 'unique:' .. suffix end
local function limit_key(suffix) return root .. 'limit:' .. suffix end
local function limited_key(suffix) return root .. 'limited:' .. suffix end
local function unserved_key(line) return root .. 'unserved:' .. line end
local unserved_lines_key = root .. 'unserved'
local function rate_key(kind) return root .. 'rate:' .. kind end
local function sheddable_key(tier) return root .. 'sheddable:' .. tier end
local function held_key(breaker) return root .. 'held:' .. breaker end
local released_key = root .. 'released'
local chronicle_key = root .. 'chronicle'
local ended_key = root .. 'ended'
local events_key = root .. 'events'
local event_counts_key = root .. 'event-counts'
local event_marks_key = root .. 'event-marks'
local groups_key = root .. 'groups'
local function webhook_key(name, of) return root .. 'webhook-' .. name .. (of and ':' .. of or '') end
-- Only the registry's partition has these.
local kinds_key = root .. 'kinds'
local placements_key = root .. 'placements'
local workers_key = root .. 'workers'
local function worker_key(worker) return root .. 'worker:' .. worker end
local function upkeep_key(place) return root .. 'upkeep:' .. place end
-- Only the breakers' partition has these.
local breakers_key = root .. 'breakers'
local breakers_changed = channels .. 'changed'
local function breaker_key(name) return root .. 'breaker:' .. name end

-- Tells the servers whose clients follow a tag of an owner that a job has it; with `+` before the id, that it lives again. The lengths keep two pairs apart.
local function publish_tagged(owner, tag, word)
  redis.call('PUBLISH', channels .. 'tagged:' .. #owner .. ':' .. owner .. ':' .. tag, word)
end
-- Tells the workers of the partition when the first job of the schedule is due; 0: that the outbox has something;
-- `kind …`: lines that have; `lost …`: tiers of which workers are lost.
local function publish_due(ms) redis.call('PUBLISH', channels .. 'due', ms) end
-- Tells a worker that a job of its is to stop, or with `+` before the id that something woke it.
local function publish_order(worker, order) redis.call('PUBLISH', channels .. 'orders:' .. worker, order) end
