"""The middleware that records what the server refused to those who called a route that acts.

An act writes its own entry (`tidings.store.admin.operator_actions`); a request that was refused has performed none.
"""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tidings.store.admin.audit_log import AuditEntry, AuditStream
from tidings_server.web.request.client_address import address_of

from .audit_recorder import AuditRecorder

ActionRoute = Callable[[Request], Awaitable[Response]]

DETAIL_BYTES = 4_000
"""How much of a body is decoded for an entry: the log keeps 1,000 characters, of up to 4 bytes."""


class AuditMiddleware:
    """Wraps routes that act."""

    def __init__(self, recorder: AuditRecorder) -> None:
        self._recorder = recorder

    def __call__(self, route: ActionRoute, action: str) -> ActionRoute:
        """Return a route that does the same, and records a refusal.

        A caller whose credential is not believed leaves no entry.
        """

        async def recorded(request: Request) -> Response:
            response = await route(request)
            who = getattr(request.state, "owner", None)
            # An act that broke off halfway has written its entry, and is refused all the same.
            if who is not None and response.status_code >= 400 and not getattr(request.state, "recorded", False):
                await self._recorder.record(_refusal(request, response, who, action))
            return response

        return recorded


def _refusal(request: Request, response: Response, who: str, action: str) -> AuditEntry:
    body: bytes = getattr(request.state, "body", b"")
    code = _code(response)
    return AuditEntry(
        who=who,
        address=address_of(request.scope),
        action=action,
        target=" ".join(str(value) for value in request.path_params.values()),
        detail=body[:DETAIL_BYTES].decode(errors="replace"),
        outcome=code,
        stream=AuditStream.STRANGER if code == "forbidden" else AuditStream.IDLE,
    )


class _Refused(msgspec.Struct):
    code: str = "refused"


def _code(response: Response) -> str:
    """Return the code of the problem; a request whose client left amid its body has an answer without one."""
    return msgspec.json.decode(response.body, type=_Refused).code if response.body else "refused"
