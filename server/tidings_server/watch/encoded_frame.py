"""A frame on its way to clients: encoded at most once for each transport, however many clients it goes to."""

import struct

_TEXT = 0x81
"""FIN and the opcode of text: the first byte of a message in one frame (RFC 6455, section 5.2)."""


class EncodedFrame:
    """One text message, as UTF-8."""

    __slots__ = ("_text", "_wire", "data")

    def __init__(self, data: bytes) -> None:
        self.data: bytes = data
        self._text: str | None = None
        self._wire: bytes | None = None

    @classmethod
    def of(cls, text: str) -> "EncodedFrame":
        """Return the frame of a text."""
        frame = cls(text.encode())
        frame._text = text
        return frame

    def __len__(self) -> int:
        return len(self.data)

    @property
    def text(self) -> str:
        """The message as text."""
        if self._text is None:
            self._text = self.data.decode()
        return self._text

    @property
    def wire(self) -> bytes:
        """The message as a server sends it over a WebSocket: one frame, unmasked."""
        if self._wire is None:
            self._wire = _header(len(self.data)) + self.data
        return self._wire


def _header(size: int) -> bytes:
    if size < 126:
        return bytes((_TEXT, size))
    if size < 65_536:
        return struct.pack("!BBH", _TEXT, 126, size)
    return struct.pack("!BBQ", _TEXT, 127, size)
