-- The states of a job and the transitions between them, as in protocol/states.py (a test compares them).

local SCHEDULED, QUEUED, RUNNING, WAITING = 'scheduled', 'queued', 'running', 'waiting'
local SUCCEEDED, FAILED, CANCELLED, EXPIRED = 'succeeded', 'failed', 'cancelled', 'expired'

-- The states that may follow each state, in one text: to search it costs less than a table of tables.
local NEXT = {
  scheduled = ' queued cancelled expired ',
  queued = ' running failed cancelled expired ',
  running = ' succeeded failed scheduled waiting queued cancelled expired ',
  waiting = ' queued cancelled expired ',
  succeeded = ' ', failed = ' ', cancelled = ' ', expired = ' ',
}
-- The transitions that only an operator's replay of a dead letter may make.
local REPLAY = { failed = ' queued ' }

local function leads(table, from, to)
  return table[from] ~= nil and string.find(table[from], ' ' .. to .. ' ', 1, true) ~= nil
end
local function may(from, to) return leads(NEXT, from, to) end
local function may_replay(from, to) return leads(REPLAY, from, to) end
local function terminal(state) return NEXT[state] == ' ' end
