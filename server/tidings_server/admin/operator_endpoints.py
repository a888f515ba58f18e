"""The overview, single jobs, breakers and connections over HTTP.

Every endpoint here raises `ProblemError` or `StoreError`, which its route makes an answer (`routes.answered`).
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.admin_messages import BreakerOrder
from tidings.protocol.overview import OverviewBody
from tidings.protocol.problems import problem_error
from tidings.store.admin.job_detail import read_job_internals
from tidings.store.breaker_store import BreakerStore, ShownBreaker
from tidings_server.auth.identity import Identity
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.overview_feed import breaker_line
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import empty_response, json_response

from .admin_requests import body_of, no_body_of
from .job_detail_view import detail

HOLD_CLOSED_S = 3_600.0
"""How long a breaker is held closed where nobody says how long."""


class OperatorEndpoints:
    """The endpoints that are not lists."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def overview(self, _: Request, __: Identity) -> Response:
        """`GET /v1/admin/overview`: how everything stands, once."""
        taken = await self._runtime.overview_feed.take()
        return json_response(OverviewBody(**msgspec.structs.asdict(taken)))

    async def connections(self, _: Request, __: Identity) -> Response:
        """`GET /v1/admin/connections`: those of the process that answers."""
        return json_response(self._runtime.connections.shown(self._runtime.id))

    async def job(self, request: Request, identity: Identity) -> Response:
        """`GET /v1/admin/jobs/{token}`: all that the store knows of a job."""
        token = self._runtime.jobs.find(request.path_params["token"])
        record = await self._runtime.jobs.read(token, valid(identity))
        return json_response(
            detail(token, record, await read_job_internals(self._runtime.client, self._runtime.keys, token))
        )

    async def cancel(self, request: Request, identity: Identity) -> Response:
        """`POST /v1/admin/jobs/{token}/cancel`: 202 asked, 409 already finished."""
        token = self._runtime.jobs.find(request.path_params["token"])
        await no_body_of(request, self._runtime.settings.request_within_s)
        await self._runtime.jobs.cancel(token, identity)
        return empty_response(202)

    async def breaker(self, request: Request, _: Identity) -> Response:
        """`POST /v1/admin/breakers/{name}`: hold a breaker open or closed, or let it go by its calls again."""
        name = request.path_params["name"]
        order = await body_of(request, BreakerOrder, self._runtime.settings.request_within_s)
        breakers = self._runtime.breaker_store
        known = {one.name for one in await breakers.shown()}
        if name not in known | {kind.breaker for kind in self._runtime.kinds.records.values()}:
            raise problem_error("unknown_name", f"there is no breaker {name[:100]!r}", field="/name")
        await _hold(breakers, name, order)
        return json_response(breaker_line(await _shown(breakers, name)))


async def _hold(breakers: BreakerStore, name: str, order: BreakerOrder) -> None:
    match order.state:
        case "open":
            await breakers.open(name, order.seconds or 0)
        case "closed":
            await breakers.close(name, order.seconds or HOLD_CLOSED_S)
        case "auto":
            await breakers.close(name)


async def _shown(breakers: BreakerStore, name: str) -> ShownBreaker:
    return next(one for one in await breakers.shown() if one.name == name)
