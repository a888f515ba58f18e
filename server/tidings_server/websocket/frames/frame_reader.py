"""Reading a client's frame: its size, its depth, its JSON, its fields; and the `ref` of a frame that is refused."""

import msgspec

from tidings.protocol.decoding.decode_errors import decode_problem
from tidings.protocol.decoding.json_pointer import split_msgspec
from tidings.protocol.frames.messages import CLIENT_FRAMES, CLIENT_TYPES, ClientFrame
from tidings.protocol.problems import ProblemError, problem_error
from tidings_server.web.request.json_limits import check_depth, too_large

from .frame_ref import find_ref

_decode = msgspec.json.Decoder(ClientFrame).decode

_NO_SUCH_TYPE = f"unknown type; a client's frame is one of: {', '.join(CLIENT_TYPES)}"


class _AnyFrame(msgspec.Struct):
    """What can be read of a frame that is not one of ours."""

    ref: int | None = None
    type: object = None


_decode_any = msgspec.json.Decoder(_AnyFrame).decode


def read_frame(data: str | bytes | bytearray, most: int, max_depth: int, *, binary: bool = False) -> ClientFrame:
    """Return the frame in a message.

    Args:
        data: the message: a text, also as its UTF-8, of which parts of the frame may remain views.
        most: its largest length, characters; of UTF-8 bytes.
        max_depth: how deep its JSON may nest.
        binary: whether it is a binary message, which is refused.

    Raises:
        ProblemError: `invalid_frame` or `too_large`, with the field.

    """
    if binary:
        raise problem_error("invalid_frame", "binary where text is due: this subprotocol is JSON in text frames")
    if len(data) > most:
        raise too_large(len(data), most)
    check_depth(data, max_depth)
    try:
        frame: ClientFrame = _decode(data)
    except msgspec.ValidationError as error:
        raise _explained(error, data) from error
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise problem_error("invalid_frame", f"not JSON: {error}") from error
    return frame


def ref_of(data: str | bytes | bytearray) -> int | None:
    """Return the ref of a frame that is refused, where it can be read."""
    ref = _readable(data).ref
    if ref is None:
        ref = find_ref(data if isinstance(data, str) else data.decode(errors="replace"))
    return ref if ref is not None and 0 <= ref < 2**53 else None


def _explained(error: msgspec.ValidationError, data: str | bytes | bytearray) -> ProblemError:
    if split_msgspec(str(error))[1] == "/type":
        return problem_error("invalid_frame", _NO_SUCH_TYPE, field="/type")
    return decode_problem(error, CLIENT_FRAMES.get(str(_readable(data).type)))


def _readable(data: str | bytes | bytearray) -> _AnyFrame:
    """Return what can be read of a frame that is refused."""
    try:
        return _decode_any(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return _AnyFrame()
