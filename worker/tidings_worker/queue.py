"""One queue as a worker serves it: take, start, run; renew leases, take over, promote what is due."""

import asyncio
from typing import Any

import anyio
import anyio.abc
import structlog

from tidings.broker.error import StoreError
from tidings.broker.worker import Entry, Started, WorkerStore
from tidings.contract.envelope import decode_envelope
from tidings.contract.token import Token
from tidings.job import Job

from . import verdict
from .attempt import Attempt
from .runner import Runners
from .settings import WorkerSettings
from .voice import Voice

log = structlog.get_logger()

TAKE_WAIT_MS = 5_000
"""How long one XREADGROUP waits; below the connection's time limit."""

STORE_RETRY_S = 0.5
"""Pause after the store failed, before it is asked again."""

PROMOTE_LONGEST_S = 5.0
"""The schedule is looked at this often even if nobody says that something is due."""


class Queue:
    """The work of one worker in one queue."""

    def __init__(
        self, store: WorkerStore, jobs: dict[str, Job[Any, Any]], settings: WorkerSettings, runners: Runners
    ) -> None:
        """Prepare.

        Args:
            store: the queue's partition.
            jobs: the kinds served in it.
            settings: slots, lease and the like.
            runners: run the handlers.

        """
        self._store = store
        self._jobs = jobs
        self._settings = settings
        self._tiers = sorted({job.tier for job in jobs.values()})
        self._running: dict[str, Attempt] = {}
        self._abandoned: set[Attempt] = set()
        self._slot_freed = asyncio.Event()
        self._due = asyncio.Event()
        self._runners = runners
        self._strangers: set[str] = set()

    @property
    def running(self) -> int:
        """How many attempts are under way."""
        return len(self._running)

    async def serve(self, attempts: anyio.abc.TaskGroup) -> None:
        """Serve until cancelled; the attempts run in `attempts`, which outlives this."""
        await self._try(self._store.join, self._tiers)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._take, attempts, name="take")
            tasks.start_soon(self._take_over, attempts, name="take over")
            tasks.start_soon(self._promote, name="promote")

    async def beat(self) -> None:
        """Renew the leases of what runs, until cancelled; outlives `serve`, as the attempts do."""
        while True:
            await anyio.sleep(self._settings.heartbeat_s)
            attempts = list(self._running.values())
            if attempts:
                answers = await self._try(self._store.beat, [attempt.beat for attempt in attempts])
                for attempt, answer in zip(attempts, answers, strict=True):
                    if answer != "ok":
                        attempt.stop(answer)

    async def leave(self) -> None:
        """Leave the consumer group; what was taken but not started is free for others at once."""
        left = await self._store.leave(self._tiers)
        if left:
            log.info("entries_left", queue=self._store.partition, entries=left)

    async def idle(self) -> None:
        """Return when no attempt is under way."""
        while self._running:
            self._slot_freed.clear()
            await self._slot_freed.wait()

    def cancel(self, job: str) -> None:
        """Stop a job that somebody wants stopped."""
        attempt = self._running.get(job)
        if attempt is not None:
            attempt.stop("cancel")

    def hand_back(self, grace: float) -> None:
        """Stop everything that runs and give it back, after at most `grace` seconds for cleaning up."""
        for attempt in list(self._running.values()):
            attempt.hand_back(grace)

    def wake(self) -> None:
        """Look at the schedule now."""
        self._due.set()

    # Taking.

    async def _take(self, attempts: anyio.abc.TaskGroup) -> None:
        while True:
            free = await self._free_slots()
            most = max(1, free // len(self._tiers))
            entries = await self._try(self._store.take, self._tiers, most, TAKE_WAIT_MS)
            if entries:
                await self._start(entries, attempts)

    async def _take_over(self, attempts: anyio.abc.TaskGroup) -> None:
        idle_ms = int(self._settings.lease_s * 1000)
        while True:
            for tier in self._tiers:
                free = await self._free_slots()
                entries = await self._try(self._store.take_over, tier, idle_ms, free)
                if entries:
                    log.info("taken_over", queue=self._store.partition, tier=tier, entries=len(entries))
                    await self._start(entries, attempts)
            await anyio.sleep(self._settings.heartbeat_s)

    async def _free_slots(self) -> int:
        while (free := self._settings.slots - len(self._running) - len(self._abandoned)) <= 0:
            self._slot_freed.clear()
            await self._slot_freed.wait()
        return free

    async def _start(self, entries: list[Entry], attempts: anyio.abc.TaskGroup) -> None:
        answers = await self._try(self._store.start, entries)
        for entry, started in zip(entries, answers, strict=True):
            if started.go:
                self._begin(entry, started, attempts)

    def _begin(self, entry: Entry, started: Started, attempts: anyio.abc.TaskGroup) -> None:
        envelope = decode_envelope(entry.envelope)
        job = self._jobs.get(envelope.kind)
        if job is None:
            self._refuse(entry, started, envelope.kind, attempts)
            return
        attempt = Attempt(self._store, self._settings, job, entry, envelope, started)
        self._running[entry.id] = attempt
        attempts.start_soon(self._run, entry.id, attempt, name=f"job {attempt.token}")

    async def _run(self, job: str, attempt: Attempt) -> None:
        try:
            await attempt.run(self._runners)
        except Exception:
            # A fault of ours; whoever takes the job over when the lease ends tries again.
            log.exception("attempt_broke", token=attempt.token, kind=attempt.kind)
        finally:
            if self._running.get(job) is attempt:
                del self._running[job]
            self._slot_freed.set()
        if attempt.handler_runs:
            await self._keep_slot(attempt)

    async def _keep_slot(self, attempt: Attempt) -> None:
        """Let an abandoned handler keep its slot until it ends: so there are never more of them than slots."""
        self._abandoned.add(attempt)
        try:
            await attempt.handler_ended()
        finally:
            self._abandoned.discard(attempt)
            self._slot_freed.set()

    def _refuse(self, entry: Entry, started: Started, kind: str, attempts: anyio.abc.TaskGroup) -> None:
        if kind not in self._strangers:
            self._strangers.add(kind)
            log.warning(
                "kind_not_served",
                kind=kind,
                queue=self._store.partition,
                token=str(Token(self._store.partition, entry.id)),
                help="all workers of one queue must serve the same kinds: give this kind a queue of its own",
            )
        voice = Voice(self._store, entry.id, started.fence, self._settings.progress_per_s, lambda _: None)
        attempts.start_soon(voice.end, verdict.not_served(kind, started.attempt), name=f"refuse {kind}")

    # The schedule.

    async def _promote(self) -> None:
        while True:
            self._due.clear()
            moved, wait_ms = await self._try(self._store.promote)
            if moved:
                continue
            wait = PROMOTE_LONGEST_S if wait_ms < 0 else min(wait_ms / 1000, PROMOTE_LONGEST_S)
            with anyio.move_on_after(max(wait, 0.001)):
                await self._due.wait()

    async def _try(self, operation: Any, *args: Any) -> Any:
        """Ask the store until it answers."""
        while True:
            try:
                return await operation(*args)
            except StoreError as error:
                log.warning("store_failed", operation=operation.__name__, error=str(error))
                await anyio.sleep(STORE_RETRY_S)
                if operation == self._store.take:
                    await self._rejoin()

    async def _rejoin(self) -> None:
        """See that the group is still there: a store that lost its data has forgotten it."""
        try:
            await self._store.join(self._tiers)
        except StoreError:
            return  # the next try tells
