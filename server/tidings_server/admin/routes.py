"""The routes under `/v1/admin`. All of them need the scope `admin`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tidings.protocol.problems import ProblemError
from tidings.store.admin.audit_log import AuditLog
from tidings.store.availability.store_errors import StoreError
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import store_problem
from tidings_server.runtime import ServerRuntime
from tidings_server.web.authorize import AuthorizedHandler, Authorizer
from tidings_server.web.compression import compressing
from tidings_server.web.query_parameters import allow_parameters
from tidings_server.web.responses import problem_response

from .audit_middleware import AuditMiddleware
from .dead_letter_endpoints import DeadLetterEndpoints
from .job_search import JobSearch
from .objective_endpoints import ObjectiveEndpoints
from .operator_endpoints import OperatorEndpoints

PAGE = ("limit", "cursor")
"""The parameters of a query whose answer comes in pages."""

FILTERS = ("token", "state", "kind", "queue", "correlation_id", "since", "until")
"""Those by which jobs are searched."""


def admin_routes(runtime: ServerRuntime, authorize: Authorizer) -> list[BaseRoute]:
    """Return the routes."""
    console, letters, search, goals = (
        OperatorEndpoints(runtime),
        DeadLetterEndpoints(runtime),
        JobSearch(runtime),
        ObjectiveEndpoints(runtime),
    )
    acts = AuditMiddleware(AuditLog(runtime.client, runtime.keys))

    def look(path: str, endpoint: AuthorizedHandler, *parameters: str) -> Route:
        route = compressing(authorize(allow_parameters(answered(endpoint), *parameters), "admin"))
        return Route("/v1/admin/" + path, route, methods=["GET"])

    def act(path: str, endpoint: AuthorizedHandler, action: str, method: str = "POST") -> Route:
        return Route(
            "/v1/admin/" + path,
            acts(authorize(allow_parameters(answered(endpoint)), "admin"), action),
            methods=[method],
        )

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


def answered(endpoint: AuthorizedHandler) -> AuthorizedHandler:
    """Return an endpoint that answers with a problem where the one given raises it, or the store is away."""

    async def endpoint_answered(request: Request, identity: Identity) -> Response:
        try:
            return await endpoint(request, identity)
        except ProblemError as error:
            return problem_response(error.problem)
        except StoreError as error:
            return problem_response(store_problem(error))

    return endpoint_answered
