"""A peer that speaks TCP and minds no rule: what comes and goes is bytes."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

import anyio

from support.timeouts import scaled
from tidings.protocol.frames.messages import SUBPROTOCOL

ANSWER_TIMEOUT_S = 20.0

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class WireFrame(NamedTuple):
    """One frame as it came (RFC 6455, section 5.2)."""

    opcode: int
    payload: bytes

    @property
    def close_code(self) -> int:
        """The code of a close frame."""
        assert self.opcode == CLOSE
        return int(struct.unpack("!H", self.payload[:2])[0])


class Raw:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when the kernel has most of them."""
        self._writer.write(data)
        with anyio.fail_after(scaled(ANSWER_TIMEOUT_S)):
            await self._writer.drain()

    async def read_all(self) -> bytes:
        """Return what comes until the other end closes; empty too if it does so harshly."""
        with anyio.fail_after(scaled(ANSWER_TIMEOUT_S)):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""

    async def read_exactly(self, size: int) -> bytes:
        """Return so many bytes."""
        with anyio.fail_after(ANSWER_TIMEOUT_S):
            return await self._reader.readexactly(size)

    async def read_until(self, end: bytes) -> bytes:
        """Return what comes up to some bytes, and them."""
        with anyio.fail_after(ANSWER_TIMEOUT_S):
            return await self._reader.readuntil(end)

    async def read_some(self, within_s: float) -> bytes:
        """Return what comes next, or nothing if that takes longer than `within_s`; see `ended`."""
        with anyio.move_on_after(within_s):
            return await self._reader.read(65_536)
        return b""

    @property
    def ended(self) -> bool:
        """Whether the other end has closed, and all that it said has been read."""
        return self._reader.at_eof()

    async def read_head(self) -> bytes:
        """Return the head of an HTTP answer."""
        with anyio.fail_after(scaled(ANSWER_TIMEOUT_S)):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def upgrade(self, **headers: str) -> bytes:
        """Ask for a WebSocket, and return the head of the answer."""
        lines = [
            "GET /v1/socket HTTP/1.1",
            f"Host: {self._host}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Protocol: {SUBPROTOCOL}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        await self.write("\r\n".join([*lines, "", ""]).encode())
        return await self.read_head()

    async def frame(self) -> WireFrame:
        """Return the next frame."""
        with anyio.fail_after(scaled(ANSWER_TIMEOUT_S)):
            first, second = await self._reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
            return WireFrame(first & 0x0F, await self._reader.readexactly(size))

    async def until(self, opcode: int) -> WireFrame:
        """Return the first frame of a kind."""
        while True:
            frame = await self.frame()
            if frame.opcode == opcode:
                return frame


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    size: int | None = None,
) -> bytes:
    """Return one frame (RFC 6455, section 5.2); `size` lies about its length."""
    first = fin << 7 | rsv << 4 | opcode
    flag = masked << 7
    length = len(payload) if size is None else size
    if length < 126:
        head = struct.pack("!BB", first, flag | length)
    elif length < 65_536:
        head = struct.pack("!BBH", first, flag | 126, length)
    else:
        head = struct.pack("!BBQ", first, flag | 127, length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")


@asynccontextmanager
async def raw(url: str, *, receive_buffer: int | None = None) -> AsyncIterator[Raw]:
    """Connect to a server's address around the body."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, (parts.hostname, parts.port))
    reader, writer = await asyncio.open_connection(sock=plain)
    try:
        yield Raw(reader, writer, parts.netloc)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def raw_socket(url: str, *, receive_buffer: int | None = None, **headers: str) -> AsyncIterator[Raw]:
    """Open a WebSocket around the body; its hello has been read."""
    async with raw(url, receive_buffer=receive_buffer) as one:
        head = await one.upgrade(**headers)
        assert head.startswith(b"HTTP/1.1 101"), head
        hello = await one.frame()
        assert b'"hello"' in hello.payload
        yield one
