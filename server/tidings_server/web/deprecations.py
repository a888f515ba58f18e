"""Operations and parameters of the HTTP interface that are going to leave it, and how clients and operators learn so.

The answer to a request that uses one says so in the headers `Deprecation` and `Sunset`, and links to the document that
says what to use instead; the process logs the first such request. docs/reference/compatibility.md has the policy.

Sources: RFC 9745 (Deprecation), RFC 8594 (Sunset)
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import NamedTuple

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()


class Deprecation(NamedTuple):
    """An operation, or a parameter of one, that clients should use no more."""

    method: str
    path: str
    """As the route has it: `/v1/jobs/{token}`."""
    since: date
    """When it was deprecated: the day of the release that says so."""
    sunset: date
    """The first day on which a release may lack it."""
    instead: str
    """What to use in its place: a sentence for people."""
    parameter: str = ""
    """The parameter of the query; empty: the whole operation."""

    def headers(self, root: str) -> dict[str, str]:
        """Return what an answer says of it.

        Args:
            root: the path under which the server is mounted.

        """
        return {
            "deprecation": f"@{int(_midnight(self.since).timestamp())}",
            "sunset": format_datetime(_midnight(self.sunset), usegmt=True),
            "link": f'<{root}/openapi.json>; rel="deprecation"; type="application/json"',
        }

    def sentence(self) -> str:
        """Return what the OpenAPI document says of it."""
        return f"Deprecated since {self.since}, and may be gone from {self.sunset} on. {self.instead}"


DEPRECATIONS: tuple[Deprecation, ...] = ()
"""What is deprecated now. The changelog names each too."""


def tell_deprecations(routes: Sequence[BaseRoute], deprecations: Iterable[Deprecation]) -> Sequence[BaseRoute]:
    """Return the routes, of which those with something deprecated say so; others are as they were.

    Raises:
        ValueError: there is no such route.

    """
    for deprecation in deprecations:
        found = [
            route
            for route in routes
            if isinstance(route, Route)
            and route.path == deprecation.path
            and deprecation.method in (route.methods or ())
        ]
        if not found:
            raise ValueError(f"there is no route {deprecation.method} {deprecation.path} to deprecate")
        for route in found:
            route.app = _DeprecatedRoute(route.app, deprecation)
    return routes


class _DeprecatedRoute:
    """Answers as the route within, and says what of the request is deprecated."""

    def __init__(self, app: ASGIApp, deprecation: Deprecation) -> None:
        self._app = app
        self._deprecation = deprecation
        self._logged = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not self._used(scope):
            await self._app(scope, receive, send)
            return
        self._log()
        headers = self._deprecation.headers(scope.get("root_path", ""))

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = MutableHeaders(scope=message)
                for name, value in headers.items():
                    said.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, tell)

    def _used(self, scope: Scope) -> bool:
        if scope["method"] != self._deprecation.method:
            return False
        name = self._deprecation.parameter
        return not name or name in Request(scope).query_params

    def _log(self) -> None:
        if self._logged:
            return
        self._logged = True
        one = self._deprecation
        log.warning(
            "deprecated_request",
            operation=f"{one.method} {one.path}",
            parameter=one.parameter or None,
            sunset=str(one.sunset),
            instead=one.instead,
        )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
