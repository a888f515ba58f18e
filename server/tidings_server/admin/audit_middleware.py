"""What operators do is written into the audit log, and so is what callers are refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from tidings.store.admin.audit_log import AuditEntry, AuditLog, AuditStream
from tidings.store.availability.store_errors import StoreError
from tidings_server.web.client_address import address_of

from .refusal_limit import RefusalLimit

log = structlog.get_logger()

ActionRoute = Callable[[Request], Awaitable[Response]]

DETAIL_BYTES = 4_000
"""How much of a body is looked at: the log keeps 1,000 characters, of up to 4 bytes."""


def mark_dry_run(request: Request) -> None:
    """Take note that a request was a dry run: it leaves no entry, as no other look at the system does."""
    request.state.dry_run = True


def mark_unchanged(request: Request) -> None:
    """Take note that an act found nothing to do: its entry is kept among the refusals."""
    request.state.idle = True


class AuditMiddleware:
    """Watches routes that act."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._refusals = RefusalLimit()

    def __call__(self, route: ActionRoute, action: str) -> ActionRoute:
        """Return a route that does the same, and leaves an entry.

        A caller without a believable credential leaves none, and of one that is refused again and again only some
        refusals do: else callers without any rights could fill the log, and the store's time.
        """

        async def watched(request: Request) -> Response:
            response = await route(request)
            who = getattr(request.state, "owner", None)
            if who is not None and not getattr(request.state, "dry_run", False):
                await self._record(_entry(request, response, who, action))
            return response

        return watched

    async def _record(self, entry: AuditEntry) -> None:
        if entry.stream is not AuditStream.ACT:
            unrecorded = self._refusals.admit(entry)
            if unrecorded is None:
                return
            entry = entry._replace(unrecorded=unrecorded)
        told: dict[str, Any] = entry.cut()._asdict()
        del told["entry"], told["stream"]
        log.info("operator_acted" if entry.stream is AuditStream.ACT else "operator_refused", **told)
        try:
            await self._audit.write(entry)
        except StoreError as error:  # what was done is done; the line above tells
            log.warning("audit_not_written", action=entry.action, target=entry.target[:100], error=str(error))


def _entry(request: Request, response: Response, who: str, action: str) -> AuditEntry:
    body: bytes = getattr(request.state, "body", b"")
    outcome = "done" if response.status_code < 400 else _code(response)
    return AuditEntry(
        who=who,
        address=address_of(request.scope),
        action=action,
        target=" ".join(str(value) for value in request.path_params.values()),
        detail=body[:DETAIL_BYTES].decode(errors="replace"),
        outcome=outcome,
        stream=_shelf(request, outcome),
    )


def _shelf(request: Request, outcome: str) -> AuditStream:
    if outcome == "forbidden":
        return AuditStream.STRANGER
    return AuditStream.ACT if outcome == "done" and not getattr(request.state, "idle", False) else AuditStream.IDLE


class _Refused(msgspec.Struct):
    code: str = "refused"


def _code(response: Response) -> str:
    return msgspec.json.decode(response.body, type=_Refused).code
