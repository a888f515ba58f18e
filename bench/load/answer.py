"""HTTP/1.1 answers cut out of a stream of bytes: as much of RFC 9112 as a lean client needs. No I/O."""

from enum import Enum
from typing import Final, NamedTuple


class Head(NamedTuple):
    """An answer begins."""

    status: int


class End(NamedTuple):
    """An answer is over."""


Part = Head | bytes | End
"""What an answer is made of: its head, what of its body has come, its end."""

_BODILESS: Final = frozenset((204, 304))


class _Want(Enum):
    HEAD = 1
    BODY = 2
    CHUNK_SIZE = 3
    CHUNK = 4
    TRAILER = 5


class Answers:
    """The answers of one connection."""

    def __init__(self) -> None:
        self._want = _Want.HEAD
        self._rest = b""
        self._left = 0
        """Bytes of the body, or of its chunk with the line's end after it, that have not come."""

    def feed(self, data: bytes) -> list[Part]:
        """Return what is told by more of the stream.

        Raises:
            ValueError: it is no answer of HTTP/1.1 that says how long it is.

        """
        self._rest += data
        parts: list[Part] = []
        while self._step(parts):
            pass
        return parts

    def _step(self, parts: list[Part]) -> bool:
        """Take the next piece; return whether there was one."""
        match self._want:
            case _Want.HEAD:
                return self._head(parts)
            case _Want.BODY | _Want.CHUNK:
                return self._body(parts)
            case _Want.CHUNK_SIZE:
                return self._chunk_size()
            case _Want.TRAILER:
                return self._trailer(parts)

    def _head(self, parts: list[Part]) -> bool:
        text = self._cut(b"\r\n\r\n")
        if text is None:
            return False
        first, *lines = text.split(b"\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        status = int(first.split(b" ", 2)[1])
        parts.append(Head(status))
        if fields.get(b"transfer-encoding") == b"chunked":
            self._want = _Want.CHUNK_SIZE
            return True
        self._left = 0 if status in _BODILESS else int(fields[b"content-length"])
        self._want = _Want.BODY
        if not self._left:
            self._end(parts)
        return True

    def _body(self, parts: list[Part]) -> bool:
        if not self._rest:
            return False
        chunked = self._want is _Want.CHUNK
        taken, self._rest = self._rest[: self._left], self._rest[self._left :]
        self._left -= len(taken)
        # Of a chunk the last two bytes are the end of its line.
        content = taken[: len(taken) + min(0, self._left - 2)] if chunked else taken
        if content:
            parts.append(content)
        if not self._left:
            if chunked:
                self._want = _Want.CHUNK_SIZE
            else:
                self._end(parts)
        return True

    def _chunk_size(self) -> bool:
        line = self._cut(b"\r\n")
        if line is None:
            return False
        size = int(line.partition(b";")[0], 16)
        self._left = size + 2
        self._want = _Want.CHUNK if size else _Want.TRAILER
        return True

    def _trailer(self, parts: list[Part]) -> bool:
        line = self._cut(b"\r\n")
        if line is None:
            return False
        if not line:
            self._end(parts)
        return True

    def _end(self, parts: list[Part]) -> None:
        parts.append(End())
        self._want = _Want.HEAD

    def _cut(self, end: bytes) -> bytes | None:
        """Return what stands before `end`, and forget both; None: it has not come."""
        found, separator, rest = self._rest.partition(end)
        if not separator:
            return None
        self._rest = rest
        return found
