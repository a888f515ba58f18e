"""A WebSocket client that sends whatever bytes it is told to, and judges what comes back by the RFC alone.

Source: https://www.rfc-editor.org/rfc/rfc6455
"""

import json
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

from support.timeouts import scaled
from support.wire.raw import CLOSE, CONTINUATION, PING, PONG, TEXT, frame

PATIENCE_S = 20.0


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """Return a close frame."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class Message(NamedTuple):
    """What came: `text`, `pong` or `close`; of a text the JSON in it, of a close its code (None: it had none)."""

    kind: str
    value: Any


class Raw:
    """One connection, open and greeted."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=scaled(PATIENCE_S))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "sec-websocket-protocol: tidings.v1.json\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        # The answer to that key, from RFC 6455, section 1.3.
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        self.messages = self._messages()
        assert next(self.messages).value["type"] == "hello"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, chunks: Sequence[bytes]) -> None:
        """Send, each chunk by itself, while the caller may read already; a server that closes meanwhile may."""
        threading.Thread(target=self._send, args=(chunks,), daemon=True).start()

    def _send(self, chunks: Sequence[bytes]) -> None:
        try:
            for chunk in chunks:
                self._socket.sendall(chunk)
        except OSError:
            return

    def ended(self, *, by_itself: bool = False) -> bool:
        """Return whether the server ends the connection, waiting for it; it may send nothing more.

        Args:
            by_itself: whether our half stays open; a server waits a while then.

        """
        assert not self._buffer, self._buffer[:100]
        if not by_itself:
            with suppress(OSError):  # the server may have been faster
                self._socket.shutdown(socket.SHUT_WR)
        try:
            return self._socket.recv(1) == b""  # else there is more, and the connection lives
        except ConnectionResetError:
            return True

    def _more(self) -> None:
        data = self._socket.recv(65_536)
        assert data, "the server closed the connection without a word"
        self._buffer += data

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._more()
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _messages(self) -> Iterator[Message]:
        text = b""
        while True:
            first, second = self._take(2)
            assert not first & 0x70, "reserved bits without an extension"
            assert not second & 0x80, "a server's frame is masked"
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", self._take(2))
                assert size > 125, "a length in more bytes than it needs"
            elif size == 127:
                (size,) = struct.unpack("!Q", self._take(8))
                assert size > 65_535, "a length in more bytes than it needs"
            payload = self._take(size)
            opcode, fin = first & 0x0F, bool(first & 0x80)
            if opcode in (TEXT, CONTINUATION):
                text += payload
                if fin:
                    yield Message("text", json.loads(text))
                    text = b""
            elif opcode == PONG:
                assert fin
                yield Message("pong", payload)
            elif opcode == CLOSE:
                assert len(payload) != 1
                payload[2:].decode()
                yield Message("close", struct.unpack("!H", payload[:2])[0] if payload else None)
            else:
                assert opcode == PING, f"opcode {opcode}"
