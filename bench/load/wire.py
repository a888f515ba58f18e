"""A lean WebSocket client for the load generator: RFC 6455 client framing, and no more than is needed.

It must cost little, or it would be what is measured: frames are masked with a key of zeros (which
leaves the payload as it is; section 5.3 asks only that there be one), and many frames are cut out of
one read. It checks nothing that a server could do wrong beyond what would mislead the figures.
"""

import asyncio
import base64
import os
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

SUBPROTOCOL: Final = "tidings.v1.json"
CONNECT_TIMEOUT_S: Final = 30.0
"""From the first packet to the end of the upgrade; generous, for storms of connections."""

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

_MASK = b"\0\0\0\0"


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a whole masked frame."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65_536:
        head = bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + _MASK + payload


def cut_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the whole frames at the start of `data` as (opcode, payload), and what is left over.

    A mask is taken to be of zeros. A message in several frames is not put together: its parts
    would be counted as other frames, and no server measured here sends any.
    """
    frames: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while end - at >= 2:
        size = data[at + 1] & 0x7F
        start = at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if end - start < width:
                break
            size = int.from_bytes(data[start : start + width], "big")
            start += width
        if data[at + 1] & 0x80:
            start += len(_MASK)
        if end - start < size:
            break
        frames.append((data[at] & 0x0F, data[start : start + size]))
        at = start + size
    return frames, data[at:]


class WireClient(asyncio.Protocol):
    """One socket; hands every text message to one callback, and tells another if the server hangs up."""

    def __init__(self, on_text: Callable[[bytes], None], on_lost: Callable[[], None]) -> None:
        self._on_text = on_text
        self._on_lost = on_lost
        self._rest = b""
        self._upgraded = False
        self._closing = False
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.Transport | None = None

    async def connect(self, url: str, source: str = "") -> None:
        """Connect and upgrade.

        Args:
            url: where to.
            source: the address to come from, so that a server on this machine sees several callers; empty: any.

        Raises:
            ConnectionError: the server refused, or hung up.
            TimeoutError: it did not answer.

        """
        parts = urlsplit(url)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().create_connection(
                lambda: self, parts.hostname or "", parts.port or 80, local_addr=(source, 0) if source else None
            )
            key = base64.b64encode(os.urandom(16)).decode()
            self._write(
                f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
            )
            await self._opened

    def send(self, payload: bytes) -> None:
        """Send a text message."""
        self._write(client_frame(payload))

    def close(self) -> None:
        """Drop the connection; nobody is told."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; uvloop's are not of asyncio's classes."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Cut frames out of what came."""
        if self._rest:
            data = self._rest + data
        if not self._upgraded:
            data = self._upgrade(data)
        frames, self._rest = cut_frames(data) if self._upgraded else ([], data)
        for opcode, payload in frames:
            if opcode == TEXT:
                self._on_text(payload)
            elif opcode == PING:
                self._write(client_frame(payload, PONG))
            elif opcode == CLOSE:
                self._lose()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell that the server is gone."""
        if not self._opened.done():
            self._opened.set_exception(error or ConnectionError("the server hung up before the upgrade"))
        self._lose()

    def _upgrade(self, data: bytes) -> bytes:
        """Return what follows the answer to the upgrade, or all of `data` while that is not whole."""
        head, separator, rest = data.partition(b"\r\n\r\n")
        if not separator:
            return data
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self._closing = True
            self._opened.set_exception(ConnectionError(data.decode(errors="replace")))
            return b""
        self._upgraded = True
        self._opened.set_result(None)
        return rest

    def _lose(self) -> None:
        if not self._closing:
            self.close()
            self._on_lost()

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)
