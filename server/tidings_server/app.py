"""The application: routes, and the runtime's life around them."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from tidings.metrics.metrics_server import listen
from tidings.process.async_library import told_to_sniffio
from tidings.process.unknown_variables import log_unknown_variables
from tidings.protocol.problems import Problem
from tidings.settings.settings import SettingsError, from_env

from .admin.routes import admin_routes
from .auth.application_login import Authenticate
from .chat.chat_endpoints import ChatEndpoints
from .http.batch.batch_endpoint import BatchEndpoint
from .http.delivery_endpoint import DeliveryEndpoint
from .http.direct.direct_submission import DirectSubmission
from .http.front_page import FrontPage
from .http.grant_endpoint import GrantEndpoint
from .http.job_endpoints import JobEndpoints
from .http.metrics_endpoint import MetricsEndpoint
from .http.static_files import StaticPages, static_folder
from .http.stream_content_endpoint import StreamContentEndpoint
from .http.ticket_endpoint import TicketEndpoint
from .jobs.client_answers import store_problem
from .local.local_server import LocalServer
from .mcp.mcp_endpoint import McpEndpoint
from .openapi.specification_endpoint import SpecificationEndpoints
from .owned.owned_job_endpoints import OwnedJobEndpoints
from .owned.owned_job_list import PARAMETERS as LIST_PARAMETERS
from .owned.owned_job_list import OwnedJobList
from .runtime import ServerRuntime
from .settings import ServerSettings
from .sse.direct_events import DirectEvents
from .sse.feed_endpoint import PARAMETERS as FEED_PARAMETERS
from .sse.feed_endpoint import FeedEndpoint
from .sse.stream_endpoint import PARAMETERS as STREAM_PARAMETERS
from .sse.stream_endpoint import StreamEndpoints
from .web.authorize import Authorizer
from .web.compression import compressing
from .web.deprecations import DEPRECATIONS, tell_deprecations
from .web.direct_exchange import DirectEndpoints
from .web.direct_routes import EVENTS, JOBS, DirectApplication
from .web.method_endpoints import by_method
from .web.query_parameters import allow_parameters
from .web.responses import HEADERS, json_response, problem_response
from .web.stream_query import STREAM_HEADERS, events_or
from .web.stream_query import STREAM_PARAMETERS as ONE_STREAM_PARAMETERS
from .websocket.open_sockets import OpenSockets
from .websocket.socket_endpoint import SocketEndpoint

CONSOLE = "console/index.html"

KINDS_PAGE = "index.html"


def create_app(settings: ServerSettings | None = None, *, authenticate: Authenticate | None = None) -> Starlette:
    """Return the push server as an ASGI application.

    It runs under any ASGI server and mounts inside another Starlette or FastAPI application, whose
    lifespan must then run this one's (`app.router.lifespan_context`).

    Args:
        settings: None: from the environment.
        authenticate: the login of the application around it: an async callable that returns the `Identity` of who
            makes a request or opens a socket, or None. It is asked where a client presents no credential of Tidings'
            own, so that the application's cookies and sessions work on every transport. None: there is no such login.

    Raises:
        ListenError: the port for metrics cannot be listened on.
        SettingsError: a setting in the environment is wrong; or pages of every origin are allowed, and would use the
            login of the application's users.

    """
    if settings is None:
        settings = from_env(ServerSettings)
        log_unknown_variables()
    if authenticate is not None and "*" in settings.allowed_origins:
        raise SettingsError(
            "TIDINGS_ALLOWED_ORIGINS is *, with `authenticate`: every page could use the login of the application's "
            "users; name the origins"
        )
    runtime = ServerRuntime(settings, authenticate)
    sockets = OpenSockets()
    runtime.connections.sockets = sockets
    owned_jobs = OwnedJobList(runtime)
    local_server = LocalServer(runtime, sockets, owned_jobs)
    metrics = MetricsEndpoint(runtime, sockets)
    metrics_port = _listen_for_metrics(settings)
    mcp = McpEndpoint(runtime)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with told_to_sniffio():
            async with (
                runtime.running(),
                sockets.ticking(runtime.quotas),
                local_server.serving(),
                metrics.serving_on(metrics_port),
                mcp.serving(),
            ):
                yield

    app = DirectApplication(
        _http_error,
        routes=tell_deprecations(_routes(runtime, sockets, owned_jobs, metrics, mcp), DEPRECATIONS),
        lifespan=lifespan,
        middleware=_middleware(runtime.settings, cookies=authenticate is not None),
        exception_handlers={HTTPException: _http_error, Exception: _broken},
    )
    # A redirect would be built from the request's `Host`, which a stranger can have a cache or a browser send.
    app.router.redirect_slashes = False
    app.state.runtime = runtime
    app.state.sockets = sockets
    app.state.local_server = local_server
    return app


def direct_endpoints(app: Starlette, open_to: Callable[[list[str]], bool]) -> DirectEndpoints | None:
    """Return what answers plain requests past ASGI; None: something stands around their routes.

    Args:
        app: what `create_app` returned, to which nothing has been added.
        open_to: returns whether the server answers under these names, the values of the field Host.

    """
    assert isinstance(app, DirectApplication)
    if not (app.reaches_directly("POST", JOBS) and app.reaches_directly("GET", EVENTS)):
        return None
    runtime: ServerRuntime = app.state.runtime
    authorize = Authorizer(runtime)
    return DirectEndpoints(
        submit=authorize.direct(DirectSubmission(runtime), DirectSubmission.ROUTE),
        events=authorize.direct(DirectEvents(runtime), DirectEvents.ROUTE, act="watch"),
        open_to=open_to,
    )


def _listen_for_metrics(settings: ServerSettings) -> socket.socket | None:
    if not settings.server_metrics_port:
        return None
    host, port = settings.server_metrics_host, settings.server_metrics_port
    return listen(host, port, setting="TIDINGS_SERVER_METRICS_PORT", flag="--server-metrics-port")


def _routes(
    runtime: ServerRuntime,
    sockets: OpenSockets,
    owned_jobs: OwnedJobList,
    metrics: MetricsEndpoint,
    mcp: McpEndpoint,
) -> list[BaseRoute]:
    jobs, streams, health = JobEndpoints(runtime), StreamEndpoints(runtime), Health(runtime)
    batch, authorize, tickets = BatchEndpoint(runtime), Authorizer(runtime), TicketEndpoint(runtime)
    owned = OwnedJobEndpoints(runtime, owned_jobs, jobs.cancel)
    deliveries, chats = DeliveryEndpoint(runtime), ChatEndpoints(runtime, owned_jobs)
    folder = static_folder()
    ways = runtime.settings.ways
    documents = SpecificationEndpoints(ways if runtime.login is None else (*ways, "application"))

    pages = StaticPages(folder)

    async def kinds_page(request: Request) -> Response:
        return await pages.get_response(KINDS_PAGE, request.scope)

    async def console(request: Request) -> Response:
        if not (folder / CONSOLE).is_file():
            return PlainTextResponse("this installation of tidings has no console\n", 404, headers=HEADERS)
        return await pages.get_response(CONSOLE, request.scope)

    async def console_elsewhere(_: Request) -> Response:
        return Response(status_code=308, headers={**HEADERS, "location": "../console"})

    tools = [Route("/mcp", authorize(allow_parameters(mcp.post), bearers=True), methods=["POST"])]
    pages_of_metrics = [Route("/metrics", metrics.page)] if runtime.settings.metrics else []
    front: list[BaseRoute] = []
    match runtime.settings.page:
        case "kinds":
            front = [Route("/", kinds_page)]
        case "demo":
            front = [Route("/", FrontPage(folder).get)]
    return [
        *front,
        Route("/console", console),
        Route("/console/", console_elsewhere),
        Route("/openapi.json", compressing(documents.openapi)),
        Route("/asyncapi.json", compressing(documents.asyncapi)),
        Route(
            "/v1/jobs",
            authorize(
                by_method(GET=allow_parameters(owned.page, *LIST_PARAMETERS), POST=allow_parameters(jobs.submit)),
                bearers=True,
            ),
            methods=["GET", "POST"],
        ),
        Route("/v1/jobs/batch", authorize(allow_parameters(batch.submit), "submit"), methods=["POST"]),
        Route(
            "/v1/jobs/{token}",
            authorize(
                by_method(GET=allow_parameters(jobs.look, "after"), DELETE=allow_parameters(owned.delete, "forget")),
                bearers=True,
            ),
            methods=["GET", "DELETE"],
        ),
        Route(
            "/v1/jobs/{token}/deliveries",
            authorize(allow_parameters(deliveries.of_job, "after", "limit"), "watch"),
            methods=["GET"],
        ),
        Route(
            "/v1/jobs/{token}/signals/{name}",
            authorize(allow_parameters(jobs.signal), act="signal"),
            methods=["POST"],
        ),
        Route(
            "/v1/jobs/{token}/streams/{name:path}",
            authorize(
                allow_parameters(
                    events_or(streams.of_stream, StreamContentEndpoint(runtime).get), *ONE_STREAM_PARAMETERS
                ),
                act="watch",
                tickets=True,
            ),
            methods=["GET"],
        ),
        Route(
            "/v1/jobs/{token}/events",
            authorize(allow_parameters(streams.one, "after", "ticket", "grant"), act="watch", tickets=True),
            methods=["GET"],
        ),
        Route(
            "/v1/events",
            authorize(allow_parameters(streams.several, *STREAM_PARAMETERS), act="watch", tickets=True),
            methods=["GET"],
        ),
        Route(
            "/v1/feed",
            authorize(allow_parameters(FeedEndpoint(runtime).get, *FEED_PARAMETERS), "feed", tickets=True),
            methods=["GET"],
        ),
        Route("/v1/chat/{kind}", authorize(allow_parameters(chats.ask), "submit"), methods=["POST"]),
        Route(
            "/v1/chat/{kind}/{chat:path}/stream",
            authorize(allow_parameters(chats.resume, "ended"), act="watch"),
            methods=["GET"],
        ),
        Route(
            "/v1/chat/{kind}/{chat:path}/stop",
            authorize(allow_parameters(chats.stop), act="cancel"),
            methods=["POST"],
        ),
        Route("/v1/kinds", compressing(authorize(allow_parameters(jobs.kinds))), methods=["GET"]),
        Route("/v1/schemas", documents.schema_list, methods=["GET"]),
        Route("/v1/schemas/{name}", documents.schema, methods=["GET"]),
        Route("/v1/tickets", authorize(allow_parameters(tickets.issue)), methods=["POST"]),
        Route("/v1/grants", authorize(allow_parameters(GrantEndpoint(runtime).issue)), methods=["POST"]),
        *(tools if runtime.settings.mcp else []),
        *admin_routes(runtime, authorize),
        WebSocketRoute("/v1/socket", SocketEndpoint(runtime, sockets)),
        Route("/healthz", health.live),
        Route("/readyz", health.ready),
        *pages_of_metrics,
        Mount("/static", pages),
    ]


def _middleware(settings: ServerSettings, *, cookies: bool) -> list[Middleware]:
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_credentials=cookies,
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "if-none-match",
                "last-event-id",
                "mcp-method",
                "mcp-name",
                "mcp-protocol-version",
                "prefer",
                "traceparent",
                "tracestate",
            ],
            expose_headers=[
                "deprecation",
                "etag",
                "link",
                "location",
                "preference-applied",
                "retry-after",
                "sunset",
                "www-authenticate",
                *STREAM_HEADERS,
            ],
        )
    ]


class Health:
    """Liveness and readiness."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime

    async def live(self, request: Request) -> Response:
        """`GET /healthz`: 200 as long as the process answers at all."""
        return PlainTextResponse("ok\n", headers=HEADERS)

    async def ready(self, request: Request) -> Response:
        """`GET /readyz`: 200 if clients should come here, else 503 with the reason.

        The store is not asked: the inbox proves that it answers, and a store that hangs must not hang this route.
        """
        runtime = self._runtime
        reasons = runtime.unready_reasons()
        status = {
            "ready": not reasons,
            "inbox": runtime.inbox,
            # Of a cluster: clients' jobs of other nodes lose nothing here, and those of these nodes lose it everywhere.
            "deaf_nodes": runtime.deaf_nodes,
            "draining": runtime.drain.begun,
            "eviction": runtime.retention.now.eviction or None,
            "persistence": runtime.retention.now.persistence,
            # No reason to send clients to another server, which has the same store; an operator should look at it.
            "store_nearly_full": runtime.memory.nearly_full,
            "reasons": reasons,
        }
        return json_response(status, 503 if reasons else 200)


async def _http_error(_: Request, error: Exception) -> Response:
    """Answer a refusal of the router's as a problem too (RFC 9457, section 4.2.1: about:blank)."""
    assert isinstance(error, HTTPException)
    refused = Problem(
        type="about:blank",
        title=error.detail,
        status=error.status_code,
        detail="see the contract for paths and methods",
        code="invalid_frame",
    )
    response = problem_response(refused)
    response.headers.update(error.headers or {})
    return response


async def _broken(_: Request, error: Exception) -> Response:
    """Answer a request that met an unforeseen error; the log has the cause, the client does not."""
    return problem_response(store_problem(error))
