"""The host names under which a server without authentication answers.

A page elsewhere can have its own name point to the user's machine (DNS rebinding): its requests to a
server there are then of the same origin as the page, and checking `Origin` does not help. `Host` tells.
"""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tidings.protocol.problems import problem
from tidings_server.auth.auth_settings import is_loopback
from tidings_server.web.responses import problem_response


class LoopbackOnly:
    """Refuses requests that came under another name than loopback's, before the application sees them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what came under a name of this machine, or without one, which no browser does."""
        if scope["type"] == "lifespan" or names_loopback(Headers(scope=scope).getlist("host")):
            await self._app(scope, receive, send)
            return
        refused = problem(
            "forbidden",
            "this server asks for no credentials, and answers only under loopback's names, such as localhost; "
            "set TIDINGS_AUTH, or TIDINGS_ALLOW_PUBLIC_WITHOUT_AUTH=true",
        )
        if scope["type"] == "http" or "websocket.http.response" in scope.get("extensions", {}):
            await problem_response(refused)(scope, receive, send)
        else:
            await send({"type": "websocket.close"})


MAX_KEPT = 256
"""Characters of a name that is kept, as the names of the server's own pages are: none is longer (RFC 1035)."""


def names_loopback(hosts: Iterable[str]) -> bool:
    """Return whether all values of a request's field Host are names of this machine."""
    return all(map(_is_ours, hosts))


def _is_ours(host: str) -> bool:
    return _names_loopback(host) if len(host) <= MAX_KEPT else _names_loopback.__wrapped__(host)


@lru_cache(maxsize=100)
def _names_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)
