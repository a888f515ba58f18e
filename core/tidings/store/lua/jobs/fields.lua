#!lua flags=allow-oom
-- Reads fields of one job's record, in whichever form it is (lib/records.lua).
--
-- Atomic, because a record that changes its form between two commands would seem to be gone.
--
-- args = { id, names }
-- Reply: MessagePack array with the text of each field, '' for one that the record lacks. O(names).

local id, names = unpack(args)
local found = read_fields(id, names)
for i = 1, #names do found[i] = found[i] or '' end
return cmsgpack.pack(found)
