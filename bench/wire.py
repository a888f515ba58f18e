"""A lean WebSocket client for the load generator: RFC 6455 client framing, and no more than is needed.

It must cost little, or it would be what is measured: frames are masked with a key of zeros (which
leaves the payload as it is; section 5.3 asks only that there be one), and many frames are cut out of
one read. It checks nothing a server could do wrong beyond what would mislead the figures.
"""

import asyncio
import base64
import os
import struct
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from tidings.contract.frame import SUBPROTOCOL

CONNECT_TIMEOUT_S = 30.0

MASK = b"\0\0\0\0"


def text_frame(payload: bytes) -> bytes:
    """Return a masked text frame."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x81, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x81, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x81, 0x80 | 127, size)
    return head + MASK + payload


def cut_frames(data: bytearray) -> list[bytes]:
    """Return the payloads of the whole text frames at the start of `data`, and remove them from it."""
    payloads: list[bytes] = []
    at = 0
    while len(data) - at >= 2:
        size = data[at + 1] & 0x7F
        start = at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(data) - start < width:
                break
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        if len(data) - start < size:
            break
        if data[at] & 0x0F == 1:
            payloads.append(bytes(data[start : start + size]))
        at = start + size
    del data[:at]
    return payloads


class WireClient(asyncio.Protocol):
    """One socket; hands every text frame to a callback."""

    def __init__(self, url: str, on_frame: Callable[["WireClient", bytes], None]) -> None:
        self._parts = urlsplit(url)
        self._on_frame = on_frame
        self._data = bytearray()
        self._upgraded = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    async def connect(self) -> None:
        """Connect and upgrade."""
        loop = asyncio.get_running_loop()
        host, port = self._parts.hostname, self._parts.port
        assert host is not None
        assert port is not None
        await loop.create_connection(lambda: self, host, port)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await self.opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        # uvloop's transports are not of asyncio's classes.
        transport = self.transport = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._parts.path} HTTP/1.1\r\nHost: {self._parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Cut frames out of what came."""
        self._data += data
        if not self._upgraded:
            head, separator, rest = bytes(self._data).partition(b"\r\n\r\n")
            if not separator:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")))
                return
            self._upgraded = True
            self._data = bytearray(rest)
            self.opened.set_result(None)
        for payload in cut_frames(self._data):
            self._on_frame(self, payload)

    def send(self, payload: bytes) -> None:
        """Send a text frame."""
        assert self.transport is not None
        self.transport.write(text_frame(payload))

    def close(self) -> None:
        """Drop the connection."""
        if self.transport is not None:
            self.transport.abort()
