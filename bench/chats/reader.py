"""A client that reads a chat as lean as it can: what is measured is the system."""

import asyncio
import json
import uuid
from urllib.parse import urlsplit


class ChatReader:
    """One open answer."""

    def __init__(self, url: str) -> None:
        """Prepare; `url`: of the server."""
        self._host = urlsplit(url).netloc
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, kind: str, **given: float) -> None:
        """Ask in a chat of its own, and return when the answer has begun."""
        message = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "?"}]}
        body = json.dumps({"id": uuid.uuid4().hex, "messages": [message], **given}).encode()
        head = f"POST /v1/chat/{kind} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n\r\n"
        await self._open(head.encode() + body, b"text-delta")

    async def get(self, path: str) -> None:
        """Ask for a path of a plain application."""
        await self._open(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode(), b"data: ")

    def close(self) -> None:
        """Drop the connection."""
        if self._task is not None:
            self._task.cancel()
        if self._writer is not None:
            self._writer.transport.abort()

    async def _open(self, request: bytes, begun: bytes) -> None:
        host, _, port = self._host.partition(":")
        reader, self._writer = await asyncio.open_connection(host, int(port))
        self._writer.write(request)
        async with asyncio.timeout(60):
            await reader.readuntil(begun)
        self._task = asyncio.create_task(_read_on(reader), name="chat reader")


async def _read_on(reader: asyncio.StreamReader) -> None:
    try:
        while await reader.read(65_536):
            pass
    except OSError:  # it was dropped
        pass
