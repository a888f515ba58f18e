"""The run of one job without a store: the attempt of a worker, again and again until the job has ended."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import anyio
import msgspec

from tidings.declare.job import Job
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.states import State
from tidings.protocol.tokens import new_token
from tidings.store.answers import StartAnswer
from tidings.store.attempts.attempt_store import AttemptOutcome, ReadyEntry, Started
from tidings.testing.testing_errors import TestingError
from tidings_worker.attempt.attempt import Attempt
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.circuit.worker_breakers import WorkerBreakers
from tidings_worker.runner.process_pool import ProcessPool
from tidings_worker.runner.runner import Runners
from tidings_worker.saga.saga import SagaServices
from tidings_worker.settings import WorkerSettings

from .memory_stores import PARTITION, GivenChildren, MemoryAttemptStore, MemorySagaStore, NoBreakerStore
from .run_record import RunRecord

SETTINGS = WorkerSettings(progress_per_s=1_000, threads=40)
"""Those of the worker: every progress is kept, not 20 a second."""

MOST_RUNS = 1_000
"""How often the handler of a saga runs: each wait makes it run again."""


class JobRunner:
    """Runs one job."""

    def __init__(self, job: Job[Any, Any], envelope: Envelope, record: RunRecord, children: Mapping[str, Any]) -> None:
        """Prepare.

        Args:
            job: its kind.
            envelope: what it was queued with.
            record: takes what becomes of it.
            children: kind → how a child of it ends.

        """
        self._job = job
        self._envelope = envelope
        self._record = record
        self._store = MemoryAttemptStore(record)
        self._id = new_token(PARTITION).id
        self._attempt: Attempt | None = None
        self._undoing = False
        """Whether the last run of the handler was one that undoes."""
        self.error: BaseException | None = None
        """What the handler raised last."""
        breakers = WorkerBreakers(NoBreakerStore(), [job], "testing", SETTINGS.lease_s)
        self._breakers = QueueBreakers(self._store, breakers, ask_nothing)
        self._runners = Runners(SETTINGS.threads, ProcessPool(SETTINGS))
        ends = GivenChildren(record, children, self._wake)
        limiter = anyio.CapacityLimiter(SETTINGS.threads)
        self._services = SagaServices(MemorySagaStore(record), ends, limiter, "testing")

    async def run(self, number: int) -> AttemptOutcome:
        """Run the job, as the attempt of a number, until it has ended or would be tried again.

        Raises:
            TestingError: its saga waits for what does not come.

        """
        self._record.fence = number - 1
        with self._runners:
            for _ in range(MOST_RUNS):
                outcome = await self._run_once(number)
                if outcome.state is State.WAITING:
                    self._wait(outcome)
                elif self._undoing or not self._record.unwinding:
                    return outcome
        raise TestingError(f"the saga {self._job.kind} has waited {MOST_RUNS} times, and has not ended")

    async def _run_once(self, number: int) -> AttemptOutcome:
        record = self._record
        record.begin_run()
        unwinding = bool(record.unwinding)
        self._undoing = unwinding
        now = int(time.time() * 1000)
        started = Started(StartAnswer.RUN, record.fence, number, -1 if unwinding else 0, now, 0, started_ms=now)
        entry = ReadyEntry("standard", f"{record.fence}-0", self._id, b"")
        self._attempt = attempt = Attempt(
            self._store, SETTINGS, self._job, entry, self._envelope, started, self._breakers, self._services
        )
        # In a task of its own: the attempt names its job to the log of the task.
        await asyncio.create_task(attempt.run(self._runners), name=f"run {self._job.kind}")
        if not unwinding:
            self.error = attempt.error
        assert record.outcome is not None, "an attempt that is not lost reports its outcome"
        return record.outcome

    def _wait(self, outcome: AttemptOutcome) -> None:
        """Let the time pass for which the saga waits.

        Raises:
            TestingError: it waits for no time.

        """
        record = self._record
        record.parked = record.fence
        if record.woken != outcome.woken:
            return
        if outcome.delay_ms < 0:
            names = ", ".join(repr(name) for name in outcome.awaits.split())
            raise TestingError(
                f"the saga {self._job.kind} waits for the signal {names}, which does not come: give it, "
                f"signals={{{names or '…'}: …}}"
            )
        record.now_ms += outcome.delay_ms

    def _wake(self) -> None:
        if self._attempt is not None:
            asyncio.get_running_loop().call_soon(self._attempt.woken)


async def ask_nothing(*_: object) -> int:
    """Release no jobs: there are no others."""
    return 0


def envelope_of(job: Job[Any, Any], text: bytes) -> Envelope:
    """Return what the job would have been queued with."""
    return Envelope(job.kind, msgspec.Raw(text), job.policy.version)
