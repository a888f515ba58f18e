"""Reading requests: `POST /v1/jobs` as a `Submission`, and the head of a signal."""

import asyncio
import re
from typing import Literal

import msgspec
from starlette.requests import Request

from tidings.contract.frame import KEY_PATTERN, MEANT, Ref, Submission
from tidings.contract.problem import refuse
from tidings.contract.refusal import explained
from tidings.contract.step import SIGNAL_PATTERN

from .depth import check_depth
from .session import too_large


class PostedSubmission(Submission, kw_only=True, frozen=True):
    """The body of `POST /v1/jobs`: a submission. A `submit` frame as it is will do: it has two fields more."""

    type: Literal["submit"] | None = None
    ref: Ref | None = None


_decode = msgspec.json.Decoder(PostedSubmission).decode
_SIGNAL = re.compile(SIGNAL_PATTERN)
_KEY = re.compile(KEY_PATTERN)
_LENGTH = re.compile(r"[0-9]{1,19}")
"""What a server lets through as `Content-Length`; Python refuses to read a number of thousands of digits."""
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*(\d{1,9})(?=$|[,;\s])")


async def read_body(request: Request, limit: int, within_s: float) -> bytes:
    """Return the body, refusing one larger than `limit` bytes before it is read whole.

    Raises:
        ProblemError: `too_large`, or `invalid_frame` if it does not come within `within_s` seconds.

    """
    try:
        async with asyncio.timeout(within_s):
            return await _read_body(request, limit)
    except TimeoutError:
        raise refuse("invalid_frame", f"the body did not come within {within_s:g} s") from None


async def _read_body(request: Request, limit: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if _LENGTH.fullmatch(declared) and int(declared) > limit:
        raise too_large(int(declared), limit)
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large(size, limit)
        parts.append(part)
    return b"".join(parts)


def decode_submission(body: bytes, headers: "dict[str, str]", max_depth: int) -> Submission:
    """Return the submission in a request; `Idempotency-Key` and `traceparent` may be headers.

    Raises:
        ProblemError: `invalid_frame`, with the field.

    """
    try:
        check_depth(body.decode(), max_depth)
        submission = _decode(body)
    except msgspec.ValidationError as error:
        raise explained(error, Submission) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise refuse("invalid_frame", f"the body is not JSON: {error}") from error
    given = {name: headers[header] for header, name in _HEADERS.items() if header in headers}
    if not given:
        return submission
    merged = msgspec.structs.asdict(submission) | given
    try:
        return msgspec.convert(merged, PostedSubmission)
    except msgspec.ValidationError as error:
        raise explained(error, Submission) from error


_HEADERS = {"idempotency-key": "key", "traceparent": "traceparent", "tracestate": "tracestate"}


def signal_head(name: str, key: str | None) -> tuple[str, str]:
    """Return the name of a signal in a path, and its idempotency key in a header; empty: it has none.

    Raises:
        ProblemError: `invalid_frame`, with the field.

    """
    if not _SIGNAL.match(name):
        raise refuse("invalid_frame", "a signal's name has 1 to 128 letters, digits, `_`, `.` and `-`", field="/name")
    if key is not None and not _KEY.match(key):
        raise refuse("invalid_frame", MEANT["/key"], field="/key")
    return name, key or ""


def wait_preference(prefer: str | None, most: float) -> float:
    """Return how long a caller wants to wait, s, from its Prefer header (RFC 7240, section 4.3)."""
    match = _WAIT.search(prefer or "")
    return min(float(match[1]), most) if match else 0.0
