-- What operators are shown of the past: the jobs that ended in a partition, and the attempts of one job that failed.
--
-- The finished jobs are the stream `chronicle`. The jobs that end in one call of a script are one entry, whose id is
-- the number of jobs that had ended in the partition by then: so the stream is trimmed by jobs, not by entries.

-- How many finished jobs the partition keeps; 0: none. Each script that ends jobs gets it as an argument.
local finished_kept = 0
local function keep_finished(most) finished_kept = most end

local finished = {}
local SEPARATOR = '\31'
local OWNED = '\30'
local FINISHED_FIELDS = { 'tier', 'kind', 'attempt', 'submitted', 'enqueued', 'started', 'correlation_id', 'worker',
  'owner', 'tags' }

-- Notes that a job ends. The worker that reports the end says what the text holds after the state (`history`;
-- attempts/attempt_records.py). Else its record is read here, unless the script has read these fields with others
-- (report.lua): the last of them to be missing says so. Each job becomes one text, because packing a table for each would
-- cost the store as much as all else here. The worker's name stands behind, as it may hold anything; behind it owner and
-- tags of a job that has some, neither of which holds a control character.
local function note_finished(job, state)
  if job.history then
    finished[#finished + 1] = job.id .. SEPARATOR .. state .. SEPARATOR .. job.history
    return
  end
  local one = job.correlation_id ~= nil and job or load_job(job.id, FINISHED_FIELDS)
  finished[#finished + 1] = job.id .. SEPARATOR .. state .. SEPARATOR .. (one.tier or '') .. SEPARATOR ..
    (one.kind or '') .. SEPARATOR .. (one.attempt or 0) .. SEPARATOR .. (one.submitted or 0) .. SEPARATOR ..
    (one.enqueued or '') .. SEPARATOR .. (one.started or '') .. SEPARATOR .. (one.correlation_id or '') .. SEPARATOR ..
    (one.worker or '')
  if one.owner or one.tags then
    finished[#finished] = finished[#finished] .. OWNED .. (one.owner or '') .. OWNED .. (one.tags or '')
  end
end

-- The history must never be why a job cannot end: a stream that does not fit its count begins again.
local function write_finished()
  local total = redis.pcall('INCRBY', ended_key, #finished)
  if type(total) == 'table' then
    redis.call('SET', ended_key, #finished)
    total = #finished
  end
  local answer = redis.pcall('XADD', chronicle_key, 'MINID', '~', math.max(total - finished_kept, 0), total .. '-0',
    'at', now, 'jobs', cmsgpack.pack(finished))
  if type(answer) == 'table' and answer.err then redis.call('DEL', chronicle_key) end
end

-- Adds the attempt under way, which did not succeed, to its job's history: one JSON object a line, without the oldest
-- lines past the cap. problem: JSON text, or ''; one that is too long for the history is left out.
local HISTORY_CAP = 32768
local function remember(id, event, problem)
  local key = job_key(id)
  local attempt, worker, history = unpack(redis.call('HMGET', key, 'attempt', 'worker', 'history'))
  if not problem or problem == '' or #problem > HISTORY_CAP / 2 then problem = 'null' end
  local line = '{"attempt":' .. attempt .. ',"at":' .. now .. ',"worker":' .. cjson.encode(worker or '') ..
    ',"event":"' .. event .. '","problem":' .. problem .. '}'
  history = history and history .. '\n' .. line or line
  if #history > HISTORY_CAP then
    local cut = string.find(history, '\n', #history - HISTORY_CAP, true)
    history = cut and string.sub(history, cut + 1) or history
  end
  redis.call('HSET', key, 'history', history)
end
