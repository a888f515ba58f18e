"""Frames of the client as JSON, made once: a mistake is raised where the program makes the call, and not later.

Only the `ref` is another on each socket: it stands first, and is 0 until the frame is sent.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.protocol.decoding.decode_errors import decode_problem
from tidings.protocol.frames.messages import CLIENT_FRAMES, Signal, Submit
from tidings.protocol.problems import problem_error

ENCODING_ERRORS = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What encoders and parsers raise."""

_REF_END = len(b'{"ref":0')

_encode = msgspec.json.Encoder().encode


def request_text(frame: Mapping[str, Any], *, checked: bool = False) -> bytes:
    """Return a frame as JSON, with 0 as its `ref`.

    Args:
        frame: its fields without `ref`; `input` is JSON already.
        checked: whether `tidings.schema.codec.encode` has made the input, so that it need not be read, and so copied.

    Raises:
        ProblemError: `invalid_frame`, with the field: the server could not read it.

    """
    try:
        text = unchecked_request_text(frame)
        asked = msgspec.json.decode(text, type=CLIENT_FRAMES[frame["type"]])
        if isinstance(asked, Submit | Signal) and not checked:
            msgspec.json.decode(asked.input)  # the type takes what is in it as it is
    except msgspec.ValidationError as error:
        _refuse_formless(frame)
        raise decode_problem(error, CLIENT_FRAMES[frame["type"]]) from None
    except ENCODING_ERRORS:
        _refuse_formless(frame)
        raise
    if any(isinstance(value, float) and not math.isfinite(value) for value in frame.values()):
        _refuse_formless(frame)
    return text


def unchecked_request_text(frame: Mapping[str, Any]) -> bytes:
    """Return the same for a frame that holds no values of the user's."""
    return _encode({"ref": 0, **frame})


def with_ref(ref: int, text: bytes) -> bytes:
    """Return the frame of a text that `request_text` returned, with its `ref`."""
    return b"".join((b'{"ref":%d' % ref, memoryview(text)[_REF_END:]))


def _refuse_formless(frame: Mapping[str, Any]) -> None:
    """Refuse the field that no parser takes, if it is one field; what JSON would make null is no less a mistake."""
    for name, value in frame.items():
        try:
            msgspec.json.decode(_encode(value))
        except ENCODING_ERRORS as error:
            raise problem_error("invalid_frame", f"{name} has no form in JSON: {error}", field=f"/{name}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise problem_error("invalid_frame", f"{name} is {value}, which JSON has no form for", field=f"/{name}")
