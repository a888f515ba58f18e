"""The routes under `/v1/admin`. All of them need the scope `admin`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tidings.broker.audit import Audit
from tidings.broker.error import StoreError
from tidings.contract.problem import ProblemError
from tidings_server.answer import store_problem
from tidings_server.auth.identity import Identity
from tidings_server.compression import compressing
from tidings_server.gateway import Gateway
from tidings_server.guard import Endpoint, Guard
from tidings_server.query import takes
from tidings_server.reply import problem_response

from .acts import Acts
from .console import Console
from .goals import Goals
from .letters import Letters
from .search import Search

PAGE = ("limit", "cursor")
"""The parameters of a query whose answer comes in pages."""

FILTERS = ("token", "state", "kind", "queue", "correlation_id", "since", "until")
"""Those by which jobs are searched."""


def admin_routes(gateway: Gateway, guard: Guard) -> list[BaseRoute]:
    """Return the routes."""
    console, letters, search, goals = Console(gateway), Letters(gateway), Search(gateway), Goals(gateway)
    acts = Acts(Audit(gateway.client, gateway.keys))

    def look(path: str, endpoint: Endpoint, *parameters: str) -> Route:
        route = compressing(guard(takes(answered(endpoint), *parameters), "admin"))
        return Route("/v1/admin/" + path, route, methods=["GET"])

    def act(path: str, endpoint: Endpoint, action: str, method: str = "POST") -> Route:
        return Route("/v1/admin/" + path, acts(guard(takes(answered(endpoint)), "admin"), action), methods=[method])

    return [
        look("overview", console.overview),
        look("connections", console.connections),
        look("series", search.series, "minutes", "kind"),
        look("jobs", search.jobs, *FILTERS, *PAGE),
        look("jobs/{token}", console.job),
        act("jobs/{token}/cancel", console.cancel, "cancel"),
        act("breakers/{name}", console.breaker, "breaker"),
        act("queues/{queue}/pause", goals.pause, "pause"),
        act("queues/{queue}/resume", goals.resume, "resume"),
        look("dead", letters.page, "queue", "kind", "code", *PAGE),
        act("dead/replay", letters.replay, "replay"),
        act("dead/drop", letters.drop, "drop"),
        look("audit", goals.audit, *PAGE),
        look("objectives", goals.objectives),
        act("objectives", goals.set_objectives, "objectives", "PUT"),
    ]


def answered(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that answers with a problem where the one given raises it, or the store is away."""

    async def endpoint_answered(request: Request, identity: Identity) -> Response:
        try:
            return await endpoint(request, identity)
        except ProblemError as error:
            return problem_response(error.problem)
        except StoreError as error:
            return problem_response(store_problem(error))

    return endpoint_answered
