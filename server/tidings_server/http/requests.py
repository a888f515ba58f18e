"""Reading requests: `POST /v1/jobs` as a `Submission`, and the head of a signal."""

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from tidings.protocol.decoding.decode_errors import decode_problem
from tidings.protocol.field_types import KEY_PATTERN, Ref
from tidings.protocol.frames.messages import FIELD_MEANINGS, Submission
from tidings.protocol.problems import problem_error
from tidings.protocol.steps import SIGNAL_PATTERN
from tidings_server.web.request.json_limits import check_depth
from tidings_server.web.request.structured_field import plain_text


class PostedSubmission(Submission, kw_only=True, frozen=True):
    """The body of `POST /v1/jobs`: a submission. A `submit` frame as it is will do: it has two fields more."""

    type: Literal["submit"] | None = None
    ref: Ref | None = None


_decode = msgspec.json.Decoder(PostedSubmission).decode
_SIGNAL = re.compile(SIGNAL_PATTERN)
_KEY = re.compile(KEY_PATTERN)


def decode_submission(body: bytes, headers: Mapping[str, str], max_depth: int) -> Submission:
    """Return the submission in a request; `Idempotency-Key`, quoted or not, and `traceparent` may be headers.

    Raises:
        ProblemError: `invalid_frame`, with the field.

    """
    try:
        check_depth(body.decode(), max_depth)
        submission = _decode(body)
    except msgspec.ValidationError as error:
        raise decode_problem(error, Submission) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise problem_error("invalid_frame", f"the body is not JSON: {error}") from error
    return with_headers(submission, headers)


def with_headers(submission: Submission, headers: Mapping[str, str]) -> Submission:
    """Return a submission with what the headers of its request say of it: `Idempotency-Key`, `traceparent`.

    Raises:
        ProblemError: `invalid_frame`, with the field.

    """
    given = {name: headers[header] for header, name in _HEADERS.items() if header in headers}
    if not given:
        return submission
    if "key" in given:
        given["key"] = plain_text(given["key"])
    merged = msgspec.structs.asdict(submission) | given
    try:
        return msgspec.convert(merged, PostedSubmission)
    except msgspec.ValidationError as error:
        raise decode_problem(error, Submission) from error


_HEADERS = {"idempotency-key": "key", "traceparent": "traceparent", "tracestate": "tracestate"}


def signal_head(name: str, key: str | None) -> tuple[str, str]:
    """Return the name of a signal in a path, and its idempotency key in a header, without quotes; empty: it has none.

    Raises:
        ProblemError: `invalid_frame`, with the field.

    """
    if not _SIGNAL.match(name):
        raise problem_error(
            "invalid_frame", "a signal's name has 1 to 128 letters, digits, `_`, `.` and `-`", field="/name"
        )
    if key is None:
        return name, ""
    key = plain_text(key)
    if not _KEY.match(key):
        raise problem_error("invalid_frame", FIELD_MEANINGS["/key"], field="/key")
    return name, key
