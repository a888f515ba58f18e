"""Streams of jobs: what attempts say, keep and void, and what watchers hold of it."""

from mutants.change import javascript, lua, python
from mutants.mutant import Mutant

STORED, PROMISE, PUSHED = (
    "tests/streams/test_stored.py",
    "tests/streams/test_promise.py",
    "tests/streams/test_push.py",
)
HELD = "tests/unit/client/streams/test_held_streams.py"
PAGES = "tests/js/chunks.test.js"

MUTANTS = (
    Mutant(
        "What a later attempt says in a stream goes behind what the earlier one said.",
        lua("write_stream").never("state[2] ~= tonumber(job.fence)"),
        (STORED, PROMISE),
    ),
    Mutant(
        "An attempt that keeps chunks of an earlier one keeps all of them.",
        lua("take_stream").swap("kept - 1", "-1"),
        (STORED, PROMISE),
    ),
    Mutant(
        "Watchers are not told that a later attempt takes a stream over.",
        lua("take_stream").never("had > 0"),
        (PROMISE, PUSHED),
    ),
    Mutant(
        "A snapshot leaves a chunk out that came with the event after the last one seen.",
        lua("index_after").swap(
            "if seq > after then return from + i - 1 end", "if seq > after then return from + i end"
        ),
        (STORED, PROMISE),
    ),
    Mutant(
        "What an attempt that succeeds did not write stays in the streams.",
        lua("report:write").never("outcome.state == SUCCEEDED"),
        (STORED, PROMISE),
    ),
    Mutant(
        "An attempt goes on whose chunks the store has lost.",
        lua("report:write").never("has_streams and not"),
        (STORED,),
    ),
    Mutant(
        "Streams stay when their job has left.",
        lua("finish").swap("if job.streams then", "if false then"),
        (STORED,),
    ),
    Mutant(
        "What attempts said in streams that none writes any more takes room for ever.",
        lua("write_stream").never("stream_bytes(job) > max_bytes"),
        (STORED,),
    ),
    Mutant(
        "The chunks of two turns count as of one event.",
        lua("push_chunks").swap("i > 1 and", "true and"),
        (STORED, PROMISE),
    ),
    Mutant(
        "A client keeps what a later attempt has made void.",
        python("HeldStream.keep").drop("del self.chunks[max(count - self.first, 0) :]"),
        (HELD, PROMISE),
    ),
    Mutant(
        "A client takes a stream for whole of which it lacks chunks.",
        python("HeldStream.add").never("index != self.count"),
        (HELD,),
    ),
    Mutant(
        "A client takes a stream for whole after an answer of a server that knows no streams.",
        python("HeldStreams.take_snapshot").swap("stream.in_doubt or stream.count > 0", "stream.in_doubt"),
        (HELD,),
    ),
    Mutant(
        "A reader is not told that chunks which it has given are void.",
        python("HeldStream.keep").drop("reader.go_back(count)"),
        (HELD,),
    ),
    Mutant(
        "A generator writes to the store as much as it likes without waiting.",
        python("Reporter._hold").drop("self._room = asyncio.Event()"),
        ("tests/unit/worker/attempt/test_stream_reports.py",),
    ),
    Mutant(
        "A task that outlives its attempt writes on.",
        python("AttemptStreams.add").never("self._ended"),
        ("tests/streams/test_handlers.py",),
    ),
    Mutant(
        "A page keeps what a later attempt has made void in a stream.",
        javascript("HeldStream.keep").drop("this.chunks.length = Math.max(count - this.first, 0)"),
        (PAGES,),
    ),
    Mutant(
        "A page shows the text of a stream as it was before a later attempt took it over.",
        javascript("HeldStream.keep").drop("this.#text = null"),
        (PAGES,),
    ),
    Mutant(
        "A page takes a stream for whole of which it lacks chunks.",
        javascript("HeldStream.add").drop("if (index !== this.count)"),
        (PAGES,),
    ),
    Mutant(
        "A page reads a stream that none may be called, and gets nothing.",
        javascript("requireStreamName").swap('typeof name === "string" && NAME.test(name)', "true"),
        (PAGES,),
    ),
    Mutant(
        "A page reads from a chunk that never comes, and gets nothing.",
        javascript("ChunkStream.constructor").drop("if (position.index > held.count)"),
        (PAGES,),
    ),
    Mutant(
        "An attempt keeps more of an earlier one than that has said.",
        python("WrittenStream.keep").never("0 <= count <="),
        ("tests/streams/test_handlers.py",),
    ),
)
