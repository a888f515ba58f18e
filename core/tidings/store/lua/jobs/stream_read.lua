#!lua flags=allow-oom
-- Reads chunks of one stream of a job.
--
-- Atomic, because what is read must be of one attempt, and of the same moment as the job's number and state.
--
-- args = { id, name, from, after, most }
--   from: the index of the first chunk that is wanted; -1: the first whose event is later than the number `after`;
--   most: bytes of the reply, about.
-- Reply: MessagePack array { state, owner, tags, seq, fence, attempt, count, from, next, chunks, bytes }
--   state: the job's, '' if there is none; fence: of the attempt that says the stream, -1 if there is no such stream;
--   count: its chunks; chunks: those from `from` to before `next`, as JSON texts with a comma between each two.
--   bytes: of all its chunks.
-- O(chunks).

local id, name, from, after, most = unpack(args)

local job = load_job(id, { 'state', 'owner', 'tags', 'seq', 'fence', 'streams' })
if not job.state then return cmsgpack.pack({ '', '', '', 0, -1, 0, 0, 0, 0, '' }) end
local reply = { job.state, job.owner or '', job.tags or '', check_record(job.state, job.seq), -1, 0, 0, 0, 0, '' }
for _, state in ipairs(valid_streams(job)) do
  if state[1] == name then
    -- A reader that knows more than the store, which lost writes, gets it whole.
    local first = from >= 0 and from or index_after(id, state, after > reply[4] and 0 or after)
    local chunks, upto = read_chunks(id, name, first, state[4], most)
    reply[5], reply[6], reply[7], reply[8], reply[9] = state[2], state[3], state[4], first, upto
    reply[10], reply[11] = table.concat(chunks, ','), state[6]
  end
end
return cmsgpack.pack(reply)
