"""What a request for one stream of a job asks for; both transports that serve it read it alike."""

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.stream_names import NAME_MEANING, may_be_called
from tidings.protocol.problems import problem_error
from tidings_server.auth.identity import Identity

from .authorize import AuthorizedHandler
from .request.event_number import MAX_SEQ, event_number

STREAM_PARAMETERS = ("from", "after", "ticket", "grant")
"""The query of `GET /v1/jobs/{token}/streams/{name}`."""

STREAM_HEADERS = ("tidings-status", "tidings-attempt", "tidings-from", "tidings-next", "tidings-seq")
"""What the headers of an answer with chunks say: the job's state, the attempt that says the stream, the index of the
first chunk in the answer, the index after the last, and the job's number, for `after`."""

EVENTS_TYPE = "text/event-stream"


class StreamQuery(NamedTuple):
    """Which chunks of which stream."""

    name: str
    first: int
    """The index of the first chunk that is wanted; -1: the first that came after the event `after`."""
    after: int


def stream_query(request: Request) -> StreamQuery:
    """Return what a request asks for.

    Raises:
        ProblemError: `invalid_frame`, with the field.

    """
    name = request.path_params["name"]
    if not may_be_called(name):
        raise problem_error("invalid_frame", NAME_MEANING, field="/name")
    after = request.headers.get("last-event-id") or request.query_params.get("after")
    first = request.query_params.get("from")
    if after is not None and first is not None and "last-event-id" not in request.headers:
        raise problem_error("invalid_frame", "give `from`, an index, or `after`, the number of an event", field="/from")
    if after is not None:
        return StreamQuery(name, -1, _number(after, "after", "the number of an event"))
    return StreamQuery(name, _number(first or "0", "from", "the index of a chunk"), 0)


def check_first(first: int, count: int, name: str) -> None:
    """Refuse an index behind the next chunk.

    Raises:
        ProblemError: `invalid_frame`.

    """
    if first > count:
        detail = f"the stream {name} has {count} chunks: `from` is 0 to {count}"
        raise problem_error("invalid_frame", detail, field="/from", limit=count)


def events_or(events: AuthorizedHandler, content: AuthorizedHandler) -> AuthorizedHandler:
    """Return the endpoint that answers with server-sent events where a request asks for them, else with content."""

    async def chosen(request: Request, identity: Identity) -> Response:
        wanted = accepted_type(request, (EVENTS_TYPE,))
        return await (content if wanted is None else events)(request, identity)

    return chosen


def accepted_type(request: Request, offered: tuple[str, ...]) -> str | None:
    """Return the first of the types in a request's `Accept` that is offered; None: it names none of them."""
    for part in request.headers.get("accept", "").split(","):
        found = part.partition(";")[0].strip().lower()
        if found in offered:
            return found
    return None


def _number(text: str, name: str, what: str) -> int:
    number = event_number(text)
    if number is None:
        raise problem_error("invalid_frame", f"`{name}` takes {what}: 0 to {MAX_SEQ}", field=f"/{name}", limit=MAX_SEQ)
    return number
