"""The routes under `/v1/admin`. All of them need the scope `admin`."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tidings.broker.error import StoreError
from tidings.contract.problem import ProblemError
from tidings_server.answer import store_problem
from tidings_server.auth.identity import Identity
from tidings_server.gateway import Gateway
from tidings_server.guard import Endpoint, Guard
from tidings_server.reply import problem_response

from .console import Console
from .letters import Letters


def admin_routes(gateway: Gateway, guard: Guard) -> list[BaseRoute]:
    """Return the routes."""
    console, letters = Console(gateway), Letters(gateway)

    def admin(endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        return guard(answered(endpoint), "admin")

    return [
        Route("/v1/admin/overview", admin(console.overview), methods=["GET"]),
        Route("/v1/admin/connections", admin(console.connections), methods=["GET"]),
        Route("/v1/admin/jobs/{token}", admin(console.job), methods=["GET"]),
        Route("/v1/admin/jobs/{token}/cancel", admin(console.cancel), methods=["POST"]),
        Route("/v1/admin/breakers/{name}", admin(console.breaker), methods=["POST"]),
        Route("/v1/admin/dead", admin(letters.page), methods=["GET"]),
        Route("/v1/admin/dead/replay", admin(letters.replay), methods=["POST"]),
        Route("/v1/admin/dead/drop", admin(letters.drop), methods=["POST"]),
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
