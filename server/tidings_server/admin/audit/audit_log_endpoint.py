"""`GET /v1/admin/audit`: the audit log, page by page.

The endpoint raises `ProblemError` or `StoreError`, which its route makes an answer (`routes.answered`).
"""

import re

from starlette.requests import Request
from starlette.responses import Response

from tidings.protocol.frames.admin_messages import AuditLine, AuditPage
from tidings.protocol.problems import problem_error
from tidings.store.admin.audit_log import AuditEntry, AuditLog, AuditStream
from tidings_server.admin.admin_requests import limit_of, text_of
from tidings_server.auth.identity import Identity
from tidings_server.runtime import ServerRuntime
from tidings_server.web.responses import json_response

_CURSOR = re.compile(rf"[0-9]{{1,16}}-[0-9]{{1,16}}(@({'|'.join(AuditStream)}))?")


class AuditLogEndpoint:
    """Shows the audit log."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._audit = AuditLog(runtime.client, runtime.keys)

    async def page(self, request: Request, _: Identity) -> Response:
        """`GET /v1/admin/audit`: what operators did and callers were refused, the newest first."""
        limit, cursor = limit_of(request), text_of(request, "cursor")
        if cursor and not _CURSOR.fullmatch(cursor):
            raise problem_error("invalid_frame", "`cursor` takes the cursor of the page before", field="/cursor")
        found = await self._audit.page(cursor, limit)
        last = found[-1].cursor if len(found) == limit else None
        return json_response(AuditPage(entries=[audit_line(one) for one in found], cursor=last))


def audit_line(entry: AuditEntry) -> AuditLine:
    """Return an entry as a list shows it."""
    return AuditLine(
        at=entry.at,
        who=entry.who,
        address=entry.address,
        action=entry.action,
        target=entry.target,
        detail=entry.detail,
        outcome=entry.outcome,
        unrecorded=entry.unrecorded,
    )
