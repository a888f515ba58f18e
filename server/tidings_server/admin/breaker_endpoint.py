"""Holding circuit breakers over HTTP.

The endpoint raises `ProblemError` or `StoreError`, which its route makes an answer (`routes.answered`).
"""

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.admin_messages import BreakerOrder
from tidings.protocol.problems import problem_error
from tidings_server.auth.identity import Identity
from tidings_server.jobs.overview_feed import breaker_line
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

from .admin_requests import body_of
from .audit.audit_recorder import AuditRecorder


class BreakerEndpoint:
    """Holds breakers open or closed."""

    def __init__(self, runtime: ServerRuntime, recorder: AuditRecorder) -> None:
        self._runtime = runtime
        self._recorder = recorder

    async def hold(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/breakers/{name}`: hold a breaker open or closed, or let it go by its calls again."""
        name = request.path_params["name"]
        order = await body_of(request, BreakerOrder, self._runtime.settings.request_within_s)
        breakers = self._runtime.breaker_store
        known = {one.name for one in await breakers.shown()}
        if name not in known | {kind.breaker for kind in self._runtime.kinds.records.values()}:
            raise problem_error("unknown_name", f"there is no breaker {name[:100]!r}", field="/name")
        await self._recorder.actions(request, identity).hold_breaker(name, order)
        return json_response(breaker_line(next(one for one in await breakers.shown() if one.name == name)))
