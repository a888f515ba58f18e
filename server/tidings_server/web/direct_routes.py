"""The short way to the routes of every job: past the middleware that would do nothing, without a walk over all routes.

Starlette takes a request through two layers of error handling, with a coroutine and a wrapped `send` each, and asks its
routes one after the other whether they match. Of a job that costs more than its submission. So the application looks a
few paths up itself, where that makes no difference: the endpoints catch their own errors, and a request of a page on
another origin, or under middleware that an application has added, goes Starlette's way.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

Endpoint = Callable[[Request], Awaitable[Response]]

JOBS, JOB, EVENTS = "/v1/jobs", "/v1/jobs/{token}", "/v1/jobs/{token}/events"
"""The paths of every job, as their routes have them."""

_OWN_PATHS = frozenset({"batch"})
"""What stands in the place of a token, and is a path of its own."""


class DirectRoutes:
    """The routes of every job, by path and method."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        """Take from the routes those of every job that a client calls without any wrapper around its endpoint."""
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        for route in routes:
            if isinstance(route, Route) and route.path in (JOBS, JOB, EVENTS) and not is_wrapped(route):
                for method in route.methods or ():
                    self._endpoints[route.path, method] = route.endpoint

    def has(self, path: str, method: str) -> bool:
        """Return whether a client calls the endpoint of a path, as its route has it, without any wrapper around it."""
        return (path, method) in self._endpoints

    def find(self, scope: Scope) -> Endpoint | None:
        """Return the endpoint for a request, and give the scope its path's parameters; None: look at all routes."""
        path, root = scope["path"], scope.get("root_path", "")
        if root and path.startswith(root):
            path = path[len(root) :]  # where the application is mounted
        if not path.startswith(JOBS):
            return None
        method = scope["method"]
        if len(path) == len(JOBS):
            return self._endpoints.get((JOBS, method))
        token, *rest = path[len(JOBS) + 1 :].split("/", 1)
        if path[len(JOBS)] != "/" or not token or (rest and rest != ["events"]) or (not rest and token in _OWN_PATHS):
            return None
        endpoint = self._endpoints.get((EVENTS if rest else JOB, method))
        if endpoint is not None:
            scope["path_params"] = {**scope.get("path_params", {}), "token": token}
        return endpoint


class DirectApplication(Starlette):
    """A Starlette application with a short way."""

    def __init__(self, answer_refusal: Callable[[Request, Exception], Awaitable[Response]], **options: Any) -> None:
        """Prepare.

        Args:
            answer_refusal: answers an `HTTPException`.
            options: Starlette's.

        """
        super().__init__(**options)
        self._answer_refusal = answer_refusal
        self._direct_routes = DirectRoutes(self.routes)
        self._counts = self._count()

    def reaches_directly(self, method: str, path: str) -> bool:
        """Return whether nothing stands around the endpoint of a path, as its route has it."""
        return self._count() == self._counts and self._direct_routes.has(path, method)

    def _count(self) -> tuple[int, int]:
        return len(self.user_middleware), len(self.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        endpoint = self._direct_routes.find(scope) if self._goes_directly(scope) else None
        if endpoint is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except HTTPException as error:
            response = await self._answer_refusal(request, error)
        await response(scope, receive, send)

    def _goes_directly(self, scope: Scope) -> bool:
        """Return whether middleware would do nothing for a request."""
        return (
            scope["type"] == "http"
            and not any(name == b"origin" for name, _ in scope["headers"])
            and self._count() == self._counts
        )


def is_wrapped(route: Route) -> bool:
    """Return whether something stands around a route's endpoint, such as what tells of a deprecation."""
    return getattr(route.app, "__module__", "") != Route.__module__
