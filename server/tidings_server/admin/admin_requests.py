"""Reading the requests of operators: parameters of the query, and bodies."""

import re
from typing import TypeVar

import msgspec
from starlette.requests import Request

from tidings.protocol.decoding.decode_errors import decode_problem
from tidings.protocol.problems import problem_error
from tidings.protocol.tokens import PARTITION_PATTERN
from tidings_server.web.request.json_limits import check_depth
from tidings_server.web.request.request_body import read_body

MAX_LIMIT = 500
"""Lines on one page."""

MAX_TEXT = 256
"""Characters of a text in the query."""

MAX_BODY_BYTES = 262_144

MAX_DEPTH = 8
"""Levels of nesting in a body; requests of operators need few."""

Body = TypeVar("Body")

_QUEUE = re.compile(PARTITION_PATTERN)


def text_of(request: Request, name: str) -> str:
    """Return a parameter of the query; empty: the request does not give it.

    Raises:
        ProblemError: `invalid_frame`: it is too long.

    """
    text = request.query_params.get(name, "")
    if len(text) > MAX_TEXT:
        detail = f"`{name}` has {len(text)} characters; at most {MAX_TEXT} may be"
        raise problem_error("invalid_frame", detail, field=f"/{name}", limit=MAX_TEXT)
    return text


def number_of(request: Request, name: str, default: int, least: int, most: int) -> int:
    """Return a whole number from the query.

    Raises:
        ProblemError: `invalid_frame`, with the bounds.

    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,16}", text) or not least <= int(text) <= most:
        raise problem_error("invalid_frame", f"`{name}` takes a whole number from {least} to {most}", field=f"/{name}")
    return int(text)


def limit_of(request: Request) -> int:
    """Return how many lines the request wants on a page.

    Raises:
        ProblemError: `invalid_frame`, with the bounds.

    """
    return number_of(request, "limit", 50, 1, MAX_LIMIT)


def check_queue(queue: str, field: str = "/queue") -> str:
    """Return a text that has the form of a queue's name, or of a partition's.

    Raises:
        ProblemError: `invalid_frame`.

    """
    if not _QUEUE.match(queue):
        raise problem_error("invalid_frame", f"{queue[:100]!r} is not the name of a queue", field=field)
    return queue


class _EmptyBody(msgspec.Struct, forbid_unknown_fields=True):
    """A body without fields."""


async def no_body_of(request: Request, within_s: float) -> None:
    """Refuse a body with fields where the request has none: the caller meant something by them.

    Raises:
        ProblemError: `invalid_frame` or `too_large`, with the field.

    """
    body = request.state.body = await read_body(request, MAX_BODY_BYTES, within_s)
    if body.strip():
        _decode(body, _EmptyBody)


async def body_of(request: Request, type_: type[Body], within_s: float) -> Body:
    """Return the decoded JSON body.

    Raises:
        ProblemError: `invalid_frame` or `too_large`, with the field.

    """
    body = request.state.body = await read_body(request, MAX_BODY_BYTES, within_s)
    return _decode(body, type_)


def _decode(body: bytes, type_: type[Body]) -> Body:
    try:
        check_depth(body.decode(), MAX_DEPTH)
        return msgspec.json.decode(body, type=type_)
    except msgspec.ValidationError as error:
        raise decode_problem(error, type_) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise problem_error("invalid_frame", f"the body is not JSON: {error}") from error
