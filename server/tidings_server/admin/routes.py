"""The routes under `/v1/admin`. All of them need the scope `admin`."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from tidings.protocol.problems import ProblemError
from tidings.store.availability.store_errors import StoreError
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import store_problem
from tidings_server.runtime import ServerRuntime
from tidings_server.web.authorize import AuthorizedHandler, Authorizer
from tidings_server.web.compression import compressing
from tidings_server.web.query_parameters import allow_parameters
from tidings_server.web.responses import problem_response

from .audit.audit_log_endpoint import AuditLogEndpoint
from .audit.audit_middleware import AuditMiddleware
from .audit.audit_recorder import AuditRecorder
from .breaker_endpoint import BreakerEndpoint
from .dead_letter_endpoints import DeadLetterEndpoints
from .group_endpoints import GroupEndpoints
from .jobs.job_search import JobSearch
from .jobs.operator_job_endpoints import OperatorJobEndpoints
from .kind_endpoints import KindEndpoints
from .objective_endpoints import ObjectiveEndpoints
from .overview_endpoints import OverviewEndpoints
from .queue_pause_endpoints import QueuePauseEndpoints
from .saga_endpoints import SagaEndpoints
from .webhook_endpoints import WebhookEndpoints

PAGE = ("limit", "cursor")
"""The parameters of a query whose answer comes in pages."""

FILTERS = ("token", "state", "kind", "queue", "correlation_id", "owner", "tag", "since", "until")
"""The parameters by which jobs are searched."""


def admin_routes(runtime: ServerRuntime, authorize: Authorizer) -> list[BaseRoute]:
    """Return the routes."""
    recorder = AuditRecorder(runtime)
    audited = AuditMiddleware(recorder)
    overview, search, audit = OverviewEndpoints(runtime), JobSearch(runtime), AuditLogEndpoint(runtime)
    jobs, breakers = OperatorJobEndpoints(runtime, recorder), BreakerEndpoint(runtime, recorder)
    queues, letters = QueuePauseEndpoints(runtime, recorder), DeadLetterEndpoints(runtime, recorder)
    objectives, webhooks = ObjectiveEndpoints(runtime, recorder), WebhookEndpoints(runtime, recorder)

    groups, sagas, kinds = GroupEndpoints(runtime, recorder), SagaEndpoints(runtime), KindEndpoints(runtime)

    def look(path: str, endpoint: AuthorizedHandler, *parameters: str) -> Route:
        route = compressing(authorize(allow_parameters(answered(endpoint), *parameters), "admin"))
        return Route("/v1/admin/" + path, route, methods=["GET"])

    def act(path: str, endpoint: AuthorizedHandler, action: str, method: str = "POST") -> Route:
        return Route(
            "/v1/admin/" + path,
            audited(authorize(allow_parameters(answered(endpoint)), "admin"), action),
            methods=[method],
        )

    return [
        look("overview", overview.overview),
        look("connections", overview.connections),
        look("series", search.series, "minutes", "kind"),
        look("jobs", search.jobs, *FILTERS, *PAGE),
        look("jobs/{token}", jobs.job, "after"),
        act("jobs/{token}/cancel", jobs.cancel, "cancel"),
        act("breakers/{name}", breakers.hold, "breaker"),
        act("queues/{queue}/pause", queues.pause, "pause"),
        act("queues/{queue}/resume", queues.resume, "resume"),
        look("dead", letters.page, "queue", "kind", "code", *PAGE),
        act("dead/replay", letters.replay, "replay"),
        act("dead/drop", letters.drop, "drop"),
        look("webhooks", webhooks.page, "queue", "state", "place", "after", "limit"),
        look("webhooks/places", webhooks.places),
        act("webhooks/replay", webhooks.replay, "webhook_replay"),
        act("webhooks/drop", webhooks.drop, "webhook_drop"),
        act("webhooks/pause", webhooks.pause, "webhook_pause"),
        act("webhooks/resume", webhooks.resume, "webhook_resume"),
        look("groups", groups.page),
        look("groups/dead", groups.letters, "group", "queue", "limit"),
        act("groups/pause", groups.pause, "pause_group"),
        act("groups/resume", groups.resume, "resume_group"),
        act("groups/forget", groups.forget, "forget_group"),
        act("groups/skip", groups.skip, "move_group"),
        act("groups/replay", groups.replay, "move_group"),
        act("groups/retry", groups.retry, "retry_events"),
        look("sagas", sagas.page, "limit"),
        look("kinds/changes", kinds.changes, "limit"),
        look("audit", audit.page, *PAGE),
        look("objectives", objectives.objectives),
        act("objectives", objectives.set_objectives, "objectives", "PUT"),
    ]


def answered(endpoint: AuthorizedHandler) -> AuthorizedHandler:
    """Return an endpoint that answers with a problem where `endpoint` raises one, or the store is unavailable."""

    async def endpoint_answered(request: Request, identity: Identity) -> Response:
        try:
            return await endpoint(request, identity)
        except ProblemError as error:
            return problem_response(error.problem)
        except StoreError as error:
            return problem_response(store_problem(error))

    return endpoint_answered
