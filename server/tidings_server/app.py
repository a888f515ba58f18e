"""The application: routes, and the gateway's life around them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from tidings.contract.problem import Problem
from tidings.environment import log_unknown_variables
from tidings.settings import from_env

from .admin.routes import admin_routes
from .answer import store_problem
from .batch import Batch
from .compression import compressing
from .documents import Documents
from .endpoint import SocketEndpoint
from .gateway import Gateway
from .guard import Guard
from .jobs import Jobs
from .metrics import Metrics
from .pages import Pages, static_folder
from .query import takes
from .reply import HEADERS, json_response, problem_response
from .settings import ServerSettings
from .sockets import Sockets
from .stream import Streams
from .tickets import TicketEndpoint

CONSOLE = "console/index.html"

FRONT_PAGES = {"kinds": "index.html", "demo": "demo.html"}
"""The file that stands at `/`, by the setting `page`."""


def create_app(settings: ServerSettings | None = None) -> Starlette:
    """Return the push server as an ASGI application.

    It runs under any ASGI server and mounts inside another Starlette or FastAPI application, whose
    lifespan must then run this one's (`app.router.lifespan_context`).

    Args:
        settings: None: from the environment.

    Raises:
        SettingsError: a setting in the environment is wrong.

    """
    if settings is None:
        settings = from_env(ServerSettings)
        log_unknown_variables()
    gateway = Gateway(settings)
    sockets = Sockets()
    gateway.connections.sockets = sockets

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with gateway.running(), sockets.ticking(gateway.accounts):
            yield

    app = Starlette(
        routes=_routes(gateway, sockets),
        lifespan=lifespan,
        middleware=_middleware(gateway.settings),
        exception_handlers={HTTPException: _http_error, Exception: _broken},
    )
    # A redirect would be built from the request's `Host`, which a stranger can have a cache or a browser send.
    app.router.redirect_slashes = False
    app.state.gateway = gateway
    app.state.sockets = sockets
    return app


def _routes(gateway: Gateway, sockets: Sockets) -> list[BaseRoute]:
    jobs, streams, health = Jobs(gateway), Streams(gateway), Health(gateway)
    batch, guard, tickets = Batch(gateway), Guard(gateway), TicketEndpoint(gateway)
    folder = static_folder()
    documents = Documents(gateway.settings.auth)

    pages = Pages(folder)

    async def index(request: Request) -> Response:
        return await pages.get_response(FRONT_PAGES[gateway.settings.page], request.scope)

    async def console(request: Request) -> Response:
        if not (folder / CONSOLE).is_file():
            return PlainTextResponse("this installation of tidings has no console\n", 404, headers=HEADERS)
        return await pages.get_response(CONSOLE, request.scope)

    async def console_elsewhere(_: Request) -> Response:
        return Response(status_code=308, headers={**HEADERS, "location": "../console"})

    metrics = [Route("/metrics", Metrics(gateway, sockets).page)] if gateway.settings.metrics else []
    front = [Route("/", index)] if gateway.settings.page in FRONT_PAGES else []
    return [
        *front,
        Route("/console", console),
        Route("/console/", console_elsewhere),
        Route("/openapi.json", compressing(documents.openapi)),
        Route("/asyncapi.json", compressing(documents.asyncapi)),
        Route("/v1/jobs", guard(takes(jobs.submit), "submit"), methods=["POST"]),
        Route("/v1/jobs/batch", guard(takes(batch.submit), "submit"), methods=["POST"]),
        Route("/v1/jobs/{token}", guard(takes(jobs.one, "after")), methods=["GET", "DELETE"]),
        Route("/v1/jobs/{token}/signals/{name}", guard(takes(jobs.signal), "submit"), methods=["POST"]),
        Route(
            "/v1/jobs/{token}/events",
            guard(takes(streams.one, "after", "ticket"), "watch", tickets=True),
            methods=["GET"],
        ),
        Route(
            "/v1/events",
            guard(takes(streams.several, "token", "after", "ticket"), "watch", tickets=True),
            methods=["GET"],
        ),
        Route("/v1/kinds", compressing(guard(takes(jobs.kinds))), methods=["GET"]),
        Route("/v1/tickets", guard(takes(tickets.issue)), methods=["POST"]),
        *admin_routes(gateway, guard),
        WebSocketRoute("/v1/socket", SocketEndpoint(gateway, sockets)),
        Route("/healthz", health.live),
        Route("/readyz", health.ready),
        *metrics,
        Mount("/static", pages),
    ]


def _middleware(settings: ServerSettings) -> list[Middleware]:
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(settings.allowed_origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=[
                "authorization",
                "content-type",
                "idempotency-key",
                "if-none-match",
                "last-event-id",
                "prefer",
                "traceparent",
                "tracestate",
            ],
            expose_headers=["etag", "location", "retry-after", "www-authenticate"],
        )
    ]


class Health:
    """Liveness and readiness."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def live(self, request: Request) -> Response:
        """`GET /healthz`: 200 as long as the process answers at all."""
        return PlainTextResponse("ok\n", headers=HEADERS)

    async def ready(self, request: Request) -> Response:
        """`GET /readyz`: 200 if clients should come here, else 503 with the reason.

        The store is not asked: that it is there is what the inbox proves, and one that hangs must not hang this.
        """
        gateway = self._gateway
        reasons = gateway.unready()
        status = {
            "ready": not reasons,
            "inbox": gateway.inbox,
            "draining": gateway.draining,
            "eviction": gateway.retention.now.eviction or None,
            "persistence": gateway.retention.now.persistence,
            # No reason to send clients elsewhere, where the same store stands; one to look at it.
            "store_nearly_full": gateway.memory.nearly_full,
            "reasons": reasons,
        }
        return json_response(status, 503 if reasons else 200)


async def _http_error(_: Request, error: Exception) -> Response:
    """Answer what the router refuses as a problem too (RFC 9457, section 4.2.1: about:blank)."""
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
    """Answer what nobody foresaw; the cause is logged, not told."""
    return problem_response(store_problem(error))
