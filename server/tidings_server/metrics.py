"""The endpoint `GET /metrics`: what Prometheus reads."""

from starlette.requests import Request
from starlette.responses import Response

from tidings.metric.family import Family, build_info, gauge, gauges
from tidings.metric.scrape import Scrape

from .gateway import Gateway
from .reply import HEADERS
from .sockets import Sockets


class Metrics:
    """The endpoint. It asks for no credential: see docs/how-to/metrics.md for keeping it to oneself."""

    def __init__(self, gateway: Gateway, sockets: Sockets) -> None:
        self._gateway = gateway
        self._sockets = sockets
        self._scrape = Scrape(self._families)

    async def page(self, request: Request) -> Response:
        """Answer with the page."""
        page = await self._scrape.page(request.headers.get("accept", ""))
        return Response(page.body, headers={**HEADERS, "content-type": page.content_type})

    async def _families(self) -> list[Family]:
        stock = await self._gateway.collector.families()
        gateway, sockets = self._gateway, len(self._sockets)
        streams = len(gateway.connections.streams)
        return [
            build_info(),
            *gateway.meter.families(),
            gauges(
                "tidings_connections",
                "Clients that are connected to this server.",
                ("transport",),
                [(("socket",), float(sockets)), (("stream",), float(streams))],
            ),
            gauge(
                "tidings_kinds_left_out",
                "Kinds that workers registered and this server cannot use; the log says why.",
                len(gateway.kinds.left_out),
            ),
            gauge("tidings_watches", "Jobs that are watched through this server.", len(gateway.hub)),
            *stock,
        ]
