"""How the store is asked to accept jobs. Each idempotency key gets one job, also where a queue's placement changes.

The partition by the present placement takes the job. Where an earlier placement would have sent it, its key is claimed
first: either the job is found there, or a server that still goes by the earlier placement finds the claim. The store
then answers `stale` to that server, which waits for the newer placement and submits again; its client sees nothing.
"""

import asyncio
from functools import partial

import msgspec

from tidings.protocol.problems import problem_error
from tidings.protocol.tokens import Token, queue_of
from tidings.store.answers import SubmitAnswer
from tidings.store.availability.store_errors import StoreUnconfirmedError
from tidings.store.jobs.job_store import JobStore, SubmitReply
from tidings_server.kinds.catalog_updates import CatalogUpdates
from tidings_server.watch.hub import Hub
from tidings_server.watch.job_listener import JobListener

from .admission import AdmittedJob
from .answer_tasks import AnswerTasks
from .client_answers import STORE_RETRY_S
from .deadlines import DeadlineExpiry

UNCLAIMED = (
    "the queue is being spread over other partitions, and too few replicas of the store said in time that they have "
    "the claim of the job's key; no job was made"
)
"""What a client gets whose job waits for a claim that replicas have not confirmed."""

MOST_MOVES = 8
"""How often one submission follows a placement that changes."""


class JobSubmissions:
    """Asks the store to accept jobs."""

    def __init__(
        self, catalog: CatalogUpdates, store: JobStore, hub: Hub, deadlines: DeadlineExpiry, tasks: AnswerTasks
    ) -> None:
        """Prepare.

        Args:
            catalog: knows the placements, and reads them again when asked.
            store: keeps the jobs.
            hub: passes their events on.
            deadlines: ends jobs whose deadline passes.
            tasks: run what takes several calls of the store.

        """
        self.partition_choice = catalog.partition_choice
        self._read_placements = catalog.changed
        self._store = store
        self._hub = hub
        self._deadlines = deadlines
        self._tasks = tasks

    def begin(self, admitted: AdmittedJob, listener: JobListener | None) -> "asyncio.Future[SubmitReply]":
        """Return the store's reply, pending; where it is `stale`, the job is to be submitted `again`.

        Args:
            admitted: the job; its token becomes that by which the reply is meant.
            listener: gets its events; None: none does.

        """
        job, partition = admitted.job, admitted.token.partition
        if job.deadline_ms:
            self._deadlines.note(partition, job.deadline_ms)
        if admitted.asked_first:
            return self._tasks.start("submit", partial(self._submit, admitted, listener))
        return self._store.submit(partition, job)

    def again(self, admitted: AdmittedJob, listener: JobListener | None) -> "asyncio.Future[SubmitReply]":
        """Return the store's reply by a newer placement, pending; it is never `stale`."""

        async def submit_again() -> SubmitReply:
            await self._follow(admitted, listener)
            return await self._submit(admitted, listener)

        return self._tasks.start("submit", submit_again)

    async def _submit(self, admitted: AdmittedJob, listener: JobListener | None) -> SubmitReply:
        """Return the store's reply; the job's token becomes that by which the reply is meant.

        Raises:
            ProblemError: the placement changes faster than this server follows, or too few replicas have a claim.
            StoreError: the store is unavailable.

        """
        for _ in range(MOST_MOVES):
            reply = await self._ask_earlier(admitted)
            if reply is None:
                reply = await self._store.submit(admitted.token.partition, admitted.job)
            if reply.answer is not SubmitAnswer.STALE:
                return reply
            if not await self._follow(admitted, listener):
                break
        raise problem_error(
            "store_unavailable",
            "the queue is being spread over other partitions, which this server does not know yet; nothing was taken",
            retry_after=STORE_RETRY_S,
        )

    async def _ask_earlier(self, admitted: AdmittedJob) -> SubmitReply | None:
        """Claim the key where earlier placements would have put it; return the reply of one that knows it.

        Raises:
            ProblemError: too few replicas have a claim; no job was made.
            StoreError: the store is unavailable.

        """
        for partition in admitted.asked_first:
            try:
                reply = await self._store.claim(partition, admitted.job)
            except StoreUnconfirmedError as error:  # which would tell the client that the job may run
                raise problem_error("store_unavailable", UNCLAIMED, retry_after=STORE_RETRY_S) from error
            if reply.answer is not SubmitAnswer.CLAIMED:
                if reply.answer is SubmitAnswer.DUPLICATE:
                    admitted.earlier = Token(partition, reply.id)
                return reply
        return None

    async def _follow(self, admitted: AdmittedJob, listener: JobListener | None) -> bool:
        """Move a job to where a newer placement puts it; return whether there is one."""
        queue = queue_of(admitted.token.partition)
        self._read_placements()
        if not await self.partition_choice.newer(queue, admitted.job.epoch):
            return False
        place = self.partition_choice.place_key(queue, admitted.job.kind, admitted.job.key)
        admitted.job = msgspec.structs.replace(admitted.job, epoch=place.epoch)
        admitted.token, admitted.asked_first = Token(place.partition, admitted.job.id), place.asked_first
        if listener is not None:
            self._hub.move(listener, admitted.token)
        if admitted.job.deadline_ms:
            self._deadlines.note(admitted.token.partition, admitted.job.deadline_ms)
        return True
