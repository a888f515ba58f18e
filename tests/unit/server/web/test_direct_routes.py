"""The short way to the routes of every job: which requests take it, and that it makes no difference."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidings_server.web.deprecations import Deprecation, tell_deprecations
from tidings_server.web.direct_routes import DirectApplication


async def answer(request: Request) -> Response:
    """Say how the request came, and with what."""
    way = "short" if "router" not in request.scope else "long"
    return PlainTextResponse(f"{way} {request.method} {dict(request.path_params)} {request.app is not None}")


async def refuse(request: Request) -> Response:
    raise HTTPException(418)


async def refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse("refused", error.status_code)


def routes() -> list[BaseRoute]:
    return [
        Route("/v1/jobs", answer, methods=["GET", "POST"]),
        Route("/v1/jobs/batch", answer, methods=["POST"]),
        Route("/v1/jobs/{token}", answer, methods=["GET", "DELETE"]),
        Route("/v1/jobs/{token}/events", answer, methods=["GET"]),
        Route("/v1/jobs/{token}/signals/{name}", answer, methods=["POST"]),
    ]


def application(found: list[BaseRoute] | None = None, **options: Any) -> DirectApplication:
    handlers = {HTTPException: refused}
    return DirectApplication(refused, routes=found or routes(), exception_handlers=handlers, **options)


def ask(app: ASGIApp, method: str, path: str, root: str = "", **headers: str) -> tuple[int, str]:
    """Return the status and the body of an answer."""
    scope = {
        "type": "http",
        "method": method,
        "path": root + path,
        "root_path": root,
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    asyncio.run(_call(app, scope, receive, send))
    return said[0]["status"], b"".join(message.get("body", b"") for message in said[1:]).decode()


async def _call(app: Callable[..., Awaitable[None]], scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("POST", "/v1/jobs", {}),
        ("GET", "/v1/jobs", {}),
        ("HEAD", "/v1/jobs", {}),
        ("GET", "/v1/jobs/a.b", {"token": "a.b"}),
        ("DELETE", "/v1/jobs/a.b", {"token": "a.b"}),
        ("GET", "/v1/jobs/batch/events", {"token": "batch"}),
        ("GET", "/v1/jobs/a.b/events", {"token": "a.b"}),
    ],
)
@pytest.mark.parametrize("root", ["", "/mine"])
def test_requests_for_jobs_go_short_and_are_answered_alike(
    method: str, path: str, given: dict[str, str], root: str
) -> None:
    short = ask(application(), method, path, root)
    long = ask(application(), method, path, root, origin="http://page.example")
    assert short == (200, f"short {method} {given} True")
    assert long == (200, f"long {method} {given} True")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/jobs/batch"),
        ("POST", "/v1/jobs/a.b/signals/go"),
        ("GET", "/v1/jobs/"),
        ("GET", "/v1/jobs//events"),
        ("GET", "/v1/jobs/a/b/events"),
        ("GET", "/v1/jobsome"),
        ("PUT", "/v1/jobs"),
        ("POST", "/v1/jobs/a.b/events"),
        ("GET", "/elsewhere"),
    ],
)
def test_every_other_request_is_answered_as_the_routes_say(method: str, path: str) -> None:
    plain = application()
    plain.router.redirect_slashes = False
    assert not ask(plain, method, path)[1].startswith("short")
    assert ask(plain, method, path) == ask(plain, method, path, origin="http://page.example")


class Marking:
    """Middleware that an application adds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def test_middleware_and_routes_that_an_application_adds_are_not_passed_by() -> None:
    ours = application(middleware=[Middleware(Marking)])
    assert ask(ours, "POST", "/v1/jobs")[1].startswith("short")  # of its own it is known what it does
    added = application()
    added.add_middleware(Marking)
    assert ask(added, "POST", "/v1/jobs")[1].startswith("long")
    routed = application()
    routed.router.routes.insert(0, Route("/v1/jobs", answer, methods=["POST"]))
    assert ask(routed, "POST", "/v1/jobs")[1].startswith("long")


def test_a_route_with_something_deprecated_is_not_passed_by() -> None:
    found = routes()
    tell_deprecations(found, [Deprecation("GET", "/v1/jobs/{token}", date(2026, 1, 1), date(2027, 1, 1), "Use more.")])
    assert ask(application(found), "GET", "/v1/jobs/a.b")[1].startswith("long")
    assert ask(application(found), "POST", "/v1/jobs")[1].startswith("short")


def test_a_refusal_of_starlette_s_is_answered_on_the_short_way_too() -> None:
    found: list[BaseRoute] = [Route("/v1/jobs", refuse, methods=["POST"])]
    assert ask(application(found), "POST", "/v1/jobs") == (418, "refused")
