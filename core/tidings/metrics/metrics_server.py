"""A process's own small HTTP server, for its operators: `/metrics` and `/healthz`, and nothing else.

A worker has no web framework, and two pages need none; the port that several servers share leads to any of them. This
server bounds the size, time and number of requests.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import anyio
import anyio.abc
import structlog

from tidings.metrics.scrape_cache import ScrapeCache
from tidings.process.port import PortError, listen_on

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

REQUEST_BYTES = 8_192
"""Size of a request."""

WITHIN_S = 5.0
"""How long a request may take to come, and an answer to be read."""

MAX_CONNECTIONS = 16
"""Connections at a time; more are closed unread."""

PageResponse = tuple[str, str, bytes]
"""Status line, content type and body."""

_PLAIN = "text/plain; charset=utf-8"


class ListenError(Exception):
    """The address cannot be listened on."""


def listen(
    host: str, port: int, *, setting: str = "TIDINGS_METRICS_PORT", flag: str = "--metrics-port"
) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: the address.
        port: the TCP port.
        setting: the environment's variable that sets the port.
        flag: the command's flag that does.

    Raises:
        ListenError: another process does, or there is no such address.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening, *others = listen_on(host, port, setting=setting, flag=flag, family=family)
    except PortError as error:
        raise ListenError(f"metrics: {error}") from error
    for one in others:
        one.close()
    return listening


class MetricsServer:
    """The server; `run` serves."""

    def __init__(self, listening: socket.socket, scrape: ScrapeCache) -> None:
        self._listening = listening
        self._scrape = scrape
        self._open = 0
        self._pages: dict[str, Callable[[str], Awaitable[PageResponse]]] = {
            "/metrics": self._metrics,
            "/healthz": self._health,
        }

    async def run(self) -> None:
        """Serve until cancelled."""
        async with anyio.create_task_group() as tasks:

            def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                tasks.start_soon(self._serve, reader, writer, name="metrics")

            server = await asyncio.start_server(take, sock=self._listening, limit=REQUEST_BYTES)
            host, port, *_ = self._listening.getsockname()
            log.info("metrics", address=f"http://{host}:{port}/metrics")
            async with server:
                await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MAX_CONNECTIONS:
                async with asyncio.timeout(WITHIN_S):
                    head = await reader.readuntil(b"\r\n\r\n")
                status, content_type, body = await self._answer(head.decode("latin-1"))
                writer.write(_response(status, content_type, b"" if head.startswith(b"HEAD ") else body, len(body)))
                async with asyncio.timeout(WITHIN_S):
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client is gone, or does not speak HTTP
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, head: str) -> PageResponse:
        request, *lines = head.split("\r\n")
        method, _, rest = request.partition(" ")
        page = self._pages.get(rest.partition(" ")[0].partition("?")[0])
        if page is None:
            return "404 Not Found", _PLAIN, b"there are /metrics and /healthz\n"
        if method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", _PLAIN, b"GET it\n"
        headers = [line.partition(":") for line in lines]
        return await page(",".join(value for name, _, value in headers if name.strip().lower() == "accept"))

    async def _metrics(self, accept: str) -> PageResponse:
        page = await self._scrape.page(accept)
        return "200 OK", page.content_type, page.body

    async def _health(self, _: str) -> PageResponse:
        return "200 OK", _PLAIN, b"ok\n"


def _response(status: str, content_type: str, body: bytes, length: int) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n"
        "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
