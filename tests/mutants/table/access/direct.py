"""Plain requests, which are answered without ASGI."""

from mutants.change import python
from mutants.mutant import Mutant

_EXCHANGE = "tests/e2e/test_direct_exchange.py::"
_HEAD = "tests/unit/server/http/connection/test_plain_head.py"

MUTANTS = (
    Mutant(
        "A request of which a part has come, or that another follows, is taken for a plain one.",
        python("PlainHeads.read").swap("or len(data) != end + fields.body_bytes", ""),
        (_HEAD,),
    ),
    Mutant(
        "A request is answered without what its fields ask for, such as 100 Continue.",
        python("_HeadReader.plain").swap("name in _NOT_PLAIN or", ""),
        (_HEAD,),
    ),
    Mutant(
        "A connection answers requests by the fields of one before.",
        python("PlainHeads.read").never("fields.raw != raw"),
        (_HEAD,),
    ),
    Mutant(
        "A server without authentication answers plain requests under any name.",
        python("PlainHeads._read_fields").swap('not self._endpoints.open_to(reader.values(b"host"))', "False"),
        (_EXCHANGE + "test_submissions_are_answered_alike",),
    ),
    Mutant(
        "A credential without the scope submits by a plain request.",
        python("DirectSubmission.__call__").drop('identity.require("submit")'),
        (_EXCHANGE + "test_submissions_are_answered_alike",),
    ),
    Mutant(
        "A credential without the scope opens a stream by a plain request.",
        python("Authorizer.direct").drop("_require("),
        (_EXCHANGE + "test_streams_of_events_are_answered_alike",),
    ),
    Mutant(
        "The response to a plain request overtakes the one before.",
        python("DirectHttpProtocol._stands_between_requests").swap(
            "and (self._answering is None or self._answering.response_complete)", ""
        ),
        (_EXCHANGE + "test_a_request_behind_a_stream_waits_for_its_end",),
    ),
    Mutant(
        "A long poll that has been answered counts as a connection for ever.",
        python("DirectWait._answer").drop("self._leave()"),
        (_EXCHANGE + "test_long_polls_are_answered_alike",),
    ),
)
