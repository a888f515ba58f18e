"""The overview and the open connections over HTTP."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.overview import OverviewBody
from tidings_server.auth.identity import Identity
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response


class OverviewEndpoints:
    """Show the whole system, and the connections of this process."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def overview(self, _: Request, __: Identity) -> Response:
        """`GET /v1/admin/overview`: the state of the whole system, once."""
        taken = await self._runtime.overview_feed.take()
        return json_response(OverviewBody(**msgspec.structs.asdict(taken)))

    async def connections(self, _: Request, __: Identity) -> Response:
        """`GET /v1/admin/connections`: those of the process that answers."""
        return json_response(self._runtime.connections.shown(self._runtime.id))
