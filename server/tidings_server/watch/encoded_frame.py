"""A frame on its way to clients: encoded at most once for each transport, however many clients it goes to."""

import struct

_TEXT = 0x81
"""FIN and the opcode of text: the first byte of a message in one frame (RFC 6455, section 5.2)."""

_MIDDLE_HEADER = struct.Struct("!BBH").pack
_LONG_HEADER = struct.Struct("!BBQ").pack


class EncodedFrame:
    """One text message, as UTF-8."""

    __slots__ = ("_text", "_wire", "data")

    def __init__(self, data: bytes, text: str | None = None) -> None:
        """Hold a message.

        Args:
            data: the message.
            text: the same as text, where the caller has it.

        """
        self.data: bytes = data
        self._text = text
        self._wire: bytes | None = None

    @classmethod
    def of(cls, text: str) -> "EncodedFrame":
        """Return the frame of a text."""
        return cls(text.encode(), text)

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
        wire = self._wire
        if wire is None:
            data = self.data
            size = len(data)
            if size < 126:
                wire = bytes((_TEXT, size)) + data
            elif size < 65_536:
                wire = _MIDDLE_HEADER(_TEXT, 126, size) + data
            else:
                wire = _LONG_HEADER(_TEXT, 127, size) + data
            self._wire = wire
        return wire
