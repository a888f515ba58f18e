"""The endpoint `GET /metrics`: what Prometheus reads."""

import socket
from collections.abc import AsyncIterator, Sized
from contextlib import asynccontextmanager

import anyio
from starlette.requests import Request
from starlette.responses import Response

from tidings.metrics.metric_family import MetricFamily, build_info, gauge, gauges
from tidings.metrics.metrics_server import MetricsServer
from tidings.metrics.scrape_cache import ScrapeCache
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import HEADERS


class MetricsEndpoint:
    """The endpoint. It asks for no credential: see docs/how-to/metrics.md for keeping it to oneself."""

    def __init__(self, runtime: ServerRuntime, sockets: Sized) -> None:
        self._runtime = runtime
        self._sockets = sockets
        self._scrape = ScrapeCache(self._families)

    async def page(self, request: Request) -> Response:
        """Answer with the page."""
        page = await self._scrape.page(request.headers.get("accept", ""))
        return Response(page.body, headers={**HEADERS, "content-type": page.content_type})

    @asynccontextmanager
    async def serving_on(self, listening: socket.socket | None) -> AsyncIterator[None]:
        """Serve the page on a port of its own too, around the body; None: there is none."""
        if listening is None:
            yield
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(MetricsServer(listening, self._scrape).run, name="metrics port")
            yield
            tasks.cancel_scope.cancel()

    async def _families(self) -> list[MetricFamily]:
        store_gauges = await self._runtime.collector.families()
        runtime, sockets = self._runtime, len(self._sockets)
        streams = len(runtime.connections.streams)
        return [
            build_info(),
            *runtime.meter.families(),
            gauges(
                "tidings_connections",
                "Clients that are connected to this server.",
                ("transport",),
                [(("socket",), float(sockets)), (("stream",), float(streams))],
            ),
            gauge(
                "tidings_kinds_left_out",
                "Kinds that workers registered and this server cannot use; the log says why.",
                len(runtime.kinds.left_out),
            ),
            gauge("tidings_watches", "Jobs that are watched through this server.", len(runtime.hub)),
            *store_gauges,
        ]
