"""A client's large text, unmasked piece by piece as it comes.

The general parser would buffer what comes, cut the frame out of the buffer, and unmask all of it: two copies more.

Source: RFC 6455, section 5.2.
"""

from typing import Self

from .frame_parser import MASKED, TEXT, apply_mask

HEAD_BYTES = 14
"""Of the head of a masked frame of 64 KiB or more."""

_LARGE = MASKED | 127
"""The second byte of such a frame."""

ALLOCATED_SHARE = 4
"""Room for the whole is made when this part of it has come: what a client only announces takes no memory."""

LARGE_BYTES = 65_536
"""A text of this size or more is not copied into a `str`."""


def text_in(payload: bytes | bytearray) -> str | bytes | bytearray:
    """Return the text of a message; a large one as it came, where that is known to be UTF-8.

    Raises:
        UnicodeDecodeError: it is none.

    """
    return payload if len(payload) >= LARGE_BYTES and payload.isascii() else str(payload, "utf-8")


class PartialText:
    """The payload of one masked text frame of 64 KiB or more, of which a part may be on its way."""

    __slots__ = ("_filled", "_mask", "_size", "payload")

    def __init__(self, size: int, mask: bytes) -> None:
        self._size = size
        self._mask = mask
        self._filled = 0
        self.payload = bytearray()
        """What has come, unmasked; it has the size of the frame when that has come whole."""

    @classmethod
    def begin(cls, data: bytes, at: int, most: int) -> Self | None:
        """Return the text that begins at `at`, of which nothing but the head is read.

        None: what stands there is not the whole head of such a frame, or it is larger than `most` bytes.
        """
        begin = at + HEAD_BYTES
        if len(data) < begin or data[at] != TEXT or data[at + 1] != _LARGE:
            return None
        size = int.from_bytes(data[at + 2 : at + 10])
        return cls(size, data[begin - 4 : begin]) if size <= most else None

    @property
    def whole(self) -> bool:
        """Whether all of it has come."""
        return self._filled == self._size

    def take(self, data: bytes, at: int) -> int:
        """Take what belongs to it from `at` on; return where what follows it begins."""
        filled, end = self._filled, min(len(data), at + self._size - self._filled)
        piece = apply_mask(memoryview(data)[at:end], self._mask)
        self._mask = self._mask[len(piece) % 4 :] + self._mask[: len(piece) % 4]
        self._filled += len(piece)
        if len(self.payload) < self._size and self._filled * ALLOCATED_SHARE >= self._size:
            come, self.payload = self.payload, bytearray(self._size)
            memoryview(self.payload)[:filled] = come
        if len(self.payload) == self._size:
            # Through a view: a bytearray whose slice is set copies what it is set to.
            memoryview(self.payload)[filled : self._filled] = piece
        else:
            self.payload += piece
        return end
