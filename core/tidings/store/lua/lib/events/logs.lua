-- The logs of jobs.

-- Reads the chunks of a job's log after a number, as far as they fit into `most` bytes, one at the least. Returns them,
-- whether the log goes on, and their bytes, with 64 for each chunk. The store reads in small steps, because one chunk
-- may be large and a log may be long.
local function read_log(id, after, most)
  local chunks, bytes, step = {}, 0, 4
  local from = '(' .. string.format('%.0f', after) .. '-0'
  while true do
    local found = redis.call('XRANGE', log_key(id), from, '+', 'COUNT', step)
    for _, entry in ipairs(found) do
      local at_ms, text = math.min(math.max(math.floor(count_in(entry[2][2])), 0), LAST_MS), entry[2][4] or 'null'
      if #chunks > 0 and bytes + #text + 64 > most then return chunks, true, bytes end
      bytes = bytes + #text + 64
      chunks[#chunks + 1] = { tonumber(string.match(entry[1], '^%d+')), at_ms, text }
    end
    if #found < step then return chunks, false, bytes end
    from = '(' .. found[#found][1]
    step = bytes < most / 16 and math.min(step * 2, 256) or 4
  end
end
