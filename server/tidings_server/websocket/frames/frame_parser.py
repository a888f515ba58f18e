"""A client's frames in a stream that comes in pieces: where they meet, and the text of those that came whole. Pure.

Nearly every frame of a client's is one small text that arrives in one piece. Taking it out here costs a fraction of
what the general parser of the protocol costs. That one gets all the rest, and until a frame of its own has come whole
also what follows.

Source: RFC 6455, section 5.2.
"""

try:
    from websockets.speedups import apply_mask
except ImportError:  # where it could not be compiled
    from websockets.utils import apply_mask

__all__ = ["MASKED", "TEXT", "FrameBoundary", "apply_mask", "empty_pong", "frame_size", "whole_text"]

TEXT = 0x81
"""FIN, no extension, and the opcode of text."""
MASKED = 0x80
"""The bit of a frame's second byte that says that its payload is masked."""
_EMPTY_PONG = bytes((0x8A, MASKED))
"""FIN, the opcode of a pong, no payload, and a mask to come."""


def whole_text(data: bytes, at: int) -> tuple[bytes, int] | None:
    """Return the payload of the message at `at`, unmasked, and where the next frame begins.

    None: what stands there is not the whole of a message that is one masked text frame of less than 64 KiB.
    """
    if len(data) < at + 6 or data[at] != TEXT or data[at + 1] < MASKED:
        return None
    size, begin = data[at + 1] - MASKED, at + 6
    if size == 127:
        return None
    if size == 126:
        size, begin = int.from_bytes(data[at + 2 : at + 4]), at + 8
    end = begin + size
    if end > len(data):
        return None
    return apply_mask(data[begin:end], data[begin - 4 : begin]), end


def empty_pong(data: bytes, at: int) -> int | None:
    """Return where the frame after an empty pong at `at` begins; None: what stands there is not the whole of one.

    The pings of the server are empty, and so are the answers to them.
    """
    end = at + 6
    return end if data[at : at + 2] == _EMPTY_PONG and len(data) >= end else None


def frame_size(data: bytes, at: int) -> int | None:
    """Return the bytes of the frame at `at`, its head included; None: that head is not there as yet."""
    if len(data) < at + 2:
        return None
    mask = 4 if data[at + 1] >= MASKED else 0
    size = data[at + 1] & 0x7F
    more = {126: 2, 127: 8}.get(size, 0)
    if more:
        if len(data) < at + 2 + more:
            return None
        size = int.from_bytes(data[at + 2 : at + 2 + more])
    return 2 + more + mask + size


class FrameBoundary:
    """Whether a stream stands between two frames."""

    __slots__ = ("_head", "_missing")

    def __init__(self) -> None:
        self._missing = 0
        """Bytes of the present frame that have not come."""
        self._head = b""
        """What has come of a frame whose size is not known as yet."""

    @property
    def between(self) -> bool:
        """Whether the last frame has come whole, and nothing of the next."""
        return not self._missing and not self._head

    def passed(self, data: bytes) -> None:
        """Take note of bytes that have come."""
        at = min(self._missing, len(data))
        self._missing -= at
        if at == len(data):
            return
        data, at, self._head = self._head + data[at:], 0, b""
        while at < len(data):
            size = frame_size(data, at)
            if size is None:
                self._head = data[at:]
                return
            at += size
        self._missing = at - len(data)
