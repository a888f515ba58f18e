"""Cancellations that clients ask for. Those by an administrator of jobs of others are in the audit log."""

import asyncio
from functools import partial

import structlog

from tidings.protocol.tokens import Token
from tidings.store.admin.audit_log import AuditEntry, AuditLog
from tidings.store.answers import CancelAnswer
from tidings.store.availability.store_errors import StoreError
from tidings.store.jobs.job_store import JobStore
from tidings_server.auth.identity import Identity

from .answer_tasks import AnswerTasks
from .job_service import JobService, cancelled
from .pending_answer import PendingAnswer

log = structlog.get_logger()


class ClientCancels:
    """Asks that jobs stop."""

    def __init__(self, jobs: JobService, store: JobStore, audit: AuditLog, tasks: AnswerTasks) -> None:
        """Prepare.

        Args:
            jobs: cancels for clients of all sorts.
            store: tells whose a job is.
            audit: takes what administrators do.
            tasks: run what takes several calls of the store.

        """
        self._jobs = jobs
        self._store = store
        self._audit = audit
        self._tasks = tasks

    def cancel(self, token: Token, identity: Identity, address: str) -> PendingAnswer[None]:
        """Ask that a job which `identity` may see stop; see `JobService.cancel`.

        Args:
            token: the job's.
            identity: who asks.
            address: whence.

        """
        if not (identity.admin and identity.owner):
            return self._jobs.cancel(token, identity)
        reply = self._tasks.start("cancel", partial(self._cancel_as_admin, token, identity.owner, address))
        return PendingAnswer("cancel", reply, partial(cancelled, str(token)))

    async def _cancel_as_admin(self, token: Token, who: str, address: str) -> CancelAnswer:
        own: asyncio.Future[CancelAnswer] = self._store.cancel(token, who)
        answer = await own
        if answer is not CancelAnswer.UNKNOWN:
            return answer
        answer = await self._store.cancel(token)
        if answer in (CancelAnswer.CANCELLED, CancelAnswer.ASKED):
            entry = AuditEntry(who, address, "cancel", str(token), "", "done")
            log.info("operator_acted", who=who, address=address, action="cancel", target=str(token), outcome="done")
            try:
                await self._audit.write(entry)
            except StoreError as error:  # the act has been done, and the line above names it
                log.warning("audit_not_written", action="cancel", target=str(token), error=str(error))
        return answer
