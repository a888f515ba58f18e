-- The schedule: jobs by when they are due.
--
-- Each worker that promotes knows when the first of them is due (promote.lua says so), and looks again by then. So workers
-- hear of a job only if it is due before all that were there: a message goes to every worker of the partition.
-- Whatever is put into the schedule comes through here: one job that came first unheard would hide those after it.
local first_before, soonest

-- Takes note of a time for which the script is about to put something into the schedule.
local function note_due(due)
  if not soonest then
    first_before = tonumber(redis.call('ZRANGE', scheduled_key, 0, 0, 'WITHSCORES')[2]) or math.huge
  end
  if not soonest or due < soonest then soonest = due end
end

local function schedule(id, due)
  note_due(due)
  redis.call('ZADD', scheduled_key, due, id)
end

-- Tells the workers, once a script, of what comes before all that they know.
local function publish_soonest()
  if soonest and soonest < first_before then publish_due(soonest) end
end
