"""Frames and queries that cannot be read, and what clients do about it."""

from mutants.change import python
from mutants.mutant import Mutant
from mutants.table.files import REFUSALS

MUTANTS = (
    Mutant(
        "A field of a submission that the server does not know is dropped in silence.",
        python("Submission").cut(", forbid_unknown_fields=True"),
        ("tests/e2e/test_unknown_field.py", "tests/unit/server/websocket/test_session.py"),
    ),
    Mutant(
        "A parameter of a query that no endpoint takes is dropped in silence.",
        python("allow_parameters.checked").swap("name not in names", "not name"),
        ("tests/e2e/test_unknown_field.py",),
    ),
    Mutant(
        "The refusal of a frame that no parser takes reaches no call.",
        python("find_ref").swap("depth == 1", "depth == 9"),
        ("tests/unit/server/websocket/frames/test_frame_ref.py",),
    ),
    Mutant(
        "A refusal without a `ref` ends all calls under way.",
        python("UnattributedRefusals.found").swap("len(self._suspects) > len(self._problems)", "not self._suspects"),
        (REFUSALS,),
    ),
    Mutant(
        "A client sends a call over which every connection breaks for ever.",
        python("Calls._suspect").swap(">= MAX_BROKEN", ">= 1_000 * MAX_BROKEN"),
        (REFUSALS,),
    ),
    Mutant(
        "A client sends a call over which connections broke beside the others.",
        python("IsolatedRetries.next").cut("or self._ref in under_way"),
        (REFUSALS,),
    ),
    Mutant(
        "A heartbeat of an event stream is a message to some readers.",
        python("HEARTBEAT").swap(r'":\n"', r'":\n\n"'),
        ("tests/e2e/streams/test_stream_readers.py::test_httpx_sse_gets_no_empty_message",),
    ),
    Mutant(
        "A client that heeds Retry-After comes back too early.",
        python("problem_response").swap("math.ceil", "math.floor"),
        ("tests/unit/server/web/test_responses.py",),
    ),
)
