"""The server's side of the audit log: it limits refusals, logs each entry, and outlives a store that is away."""

from typing import Any

import structlog
from starlette.requests import Request

from tidings.store.admin.audit_log import AuditEntry, AuditLog, AuditStream
from tidings.store.admin.operator_actions import Operator, OperatorActions
from tidings.store.availability.store_errors import StoreError
from tidings_server.admin.refusal_limit import RefusalLimit
from tidings_server.auth.identity import Identity
from tidings_server.runtime import ServerRuntime
from tidings_server.web.request.client_address import address_of

log = structlog.get_logger()


class AuditRecorder:
    """Writes the entries of one server process."""

    def __init__(self, runtime: ServerRuntime) -> None:
        self._runtime = runtime
        self._audit = AuditLog(runtime.client, runtime.keys)
        self._refusals = RefusalLimit()

    def actions(self, request: Request, identity: Identity) -> OperatorActions:
        """Return the acts of the operator who sent a request; an entry that they write marks the request."""

        async def write(entry: AuditEntry) -> None:
            request.state.recorded = True
            await self.record(entry)

        runtime = self._runtime
        operator = Operator(identity.owner, address_of(request.scope))
        return OperatorActions(runtime.client, runtime.keys, operator, write, runtime.breaker_store)

    async def record(self, entry: AuditEntry) -> None:
        """Log an entry and write it; of refusals, and of acts that changed nothing, only as many as the limit admits.

        A caller without any rights could otherwise fill the log, and take up the store's time.
        """
        if entry.stream is not AuditStream.ACT:
            unrecorded = self._refusals.admit(entry)
            if unrecorded is None:
                return
            entry = entry._replace(unrecorded=unrecorded)
        fields: dict[str, Any] = entry.cut()._asdict()
        del fields["entry"], fields["stream"]
        log.info("operator_acted" if entry.stream is AuditStream.ACT else "operator_refused", **fields)
        try:
            await self._audit.write(entry)
        except StoreError as error:  # the act has been done, and the line above names it
            log.warning("audit_not_written", action=entry.action, target=entry.target[:100], error=str(error))
