"""A frame on its way to clients: encoded at most once for each transport, however many clients it goes to."""

import struct

_TEXT = 0x81
"""FIN and the opcode of text: the first byte of a message in one frame (RFC 6455, section 5.2)."""

_MIDDLE_HEADER = struct.Struct("!BBH").pack
_LONG_HEADER = struct.Struct("!BBQ").pack
_LONG = 65_536
"""The size from which on a message has the long header, bytes."""


class EncodedFrame:
    """One text message, as UTF-8."""

    __slots__ = ("_data", "_pieces", "_text", "_wire")

    def __init__(self, data: bytes, text: str | None = None) -> None:
        """Hold a message.

        Args:
            data: the message.
            text: the same as text, where the caller has it.

        """
        self._data: bytes | None = data
        self._text = text
        self._wire: bytes | None = None
        self._pieces: tuple[bytes, ...] | None = None

    @classmethod
    def of(cls, text: str) -> "EncodedFrame":
        """Return the frame of a text."""
        return cls(text.encode(), text)

    @classmethod
    def of_pieces(cls, *pieces: bytes) -> "EncodedFrame":
        """Return the frame of a message in pieces, which are only put together where a transport wants it whole."""
        frame = cls(b"")
        frame._data, frame._pieces = None, pieces
        return frame

    def __len__(self) -> int:
        data = self._data
        return len(data) if data is not None else sum(map(len, self._pieces or ()))

    @property
    def data(self) -> bytes:
        """The whole message."""
        if self._data is None:
            self._data = b"".join(self._pieces or ())
        return self._data

    @property
    def text(self) -> str:
        """The message as text."""
        if self._text is None:
            self._text = self.data.decode()
        return self._text

    @property
    def wire(self) -> bytes:
        """The message as a server sends it over a WebSocket: one frame, unmasked."""
        wire = self._wire
        if wire is None:
            data = self.data
            size = len(data)
            if size < 126:
                wire = bytes((_TEXT, size)) + data
            elif size < _LONG:
                wire = _MIDDLE_HEADER(_TEXT, 126, size) + data
            else:
                wire = _LONG_HEADER(_TEXT, 127, size) + data
            self._wire = wire
        return wire

    @property
    def wire_pieces(self) -> list[bytes]:
        """The same in pieces, which are to be written one behind the other: of a large message, no copy of it."""
        size = len(self)
        return [_LONG_HEADER(_TEXT, 127, size), *(self._pieces or (self.data,))] if size >= _LONG else [self.wire]
