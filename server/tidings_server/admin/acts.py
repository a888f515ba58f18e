"""What operators do is written into the audit log, and so is what they are refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from tidings.broker.audit import Audit, AuditEntry
from tidings.broker.error import StoreError
from tidings_server.caller import address_of

log = structlog.get_logger()

Route = Callable[[Request], Awaitable[Response]]


class Acts:
    """Watches routes that act."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def __call__(self, route: Route, action: str) -> Route:
        """Return a route that does the same, and leaves an entry.

        Who has not said who they are leaves none: else anybody could fill the log until nothing of worth is left in it.
        """

        async def watched(request: Request) -> Response:
            response = await route(request)
            who = getattr(request.state, "owner", None)
            if who is not None:
                await self._write(_entry(request, response, who, action))
            return response

        return watched

    async def _write(self, entry: AuditEntry) -> None:
        told: dict[str, Any] = entry._asdict()
        del told["entry"]
        log.info("operator_acted", **told)
        try:
            await self._audit.write(entry)
        except StoreError as error:  # what was done is done; the line above tells
            log.warning("audit_not_written", action=entry.action, target=entry.target, error=str(error))


def _entry(request: Request, response: Response, who: str, action: str) -> AuditEntry:
    body: bytes = getattr(request.state, "body", b"")
    return AuditEntry(
        who=who,
        address=address_of(request.scope),
        action=action,
        target=" ".join(str(value) for value in request.path_params.values()),
        detail=body.decode(errors="replace"),
        outcome="done" if response.status_code < 400 else _code(response),
    )


class _Refused(msgspec.Struct):
    code: str = "refused"


def _code(response: Response) -> str:
    return msgspec.json.decode(response.body, type=_Refused).code
