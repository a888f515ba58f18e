"""The replay of one recorded saga against other code, without a store: its handler runs as far as its journal goes."""

import asyncio
import time
from typing import Any

import anyio

from tidings.declare.job import Job
from tidings.errors import StoppedError
from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.steps import step_number
from tidings.protocol.tokens import split_token
from tidings.saga.recorded_saga import RecordedSaga
from tidings.saga.step_errors import StepError
from tidings.store.answers import StartAnswer
from tidings.store.attempts.attempt_store import Started
from tidings_worker.attempt.attempt_deadlines import Deadlines
from tidings_worker.attempt.attempt_state import AttemptState
from tidings_worker.attempt.handler_sink import HandlerSink
from tidings_worker.attempt.lifecycle import Lifecycle
from tidings_worker.attempt.reporter import Reporter
from tidings_worker.attempt.started_job import StartedJob
from tidings_worker.circuit.queue_breakers import QueueBreakers
from tidings_worker.circuit.worker_breakers import WorkerBreakers
from tidings_worker.runner.process_pool import ProcessPool
from tidings_worker.runner.runner import HandlerCall, Raised, Run, Runners, handler_outcome
from tidings_worker.saga.journal import Journal
from tidings_worker.saga.saga import SagaServices

from .job_run import SETTINGS, ask_nothing
from .memory_stores import GivenChildren, MemoryAttemptStore, MemorySagaStore, NoBreakerStore
from .replay_verdict import ReplayVerdict, SagaReplay
from .run_record import RunRecord

_CLEAN_UP_S = 5.0
"""How long a handler may clean up after its replay."""


class _ReplaySink(HandlerSink):
    """What the handler's context calls: it answers from the recording, and does nothing new."""

    unrecorded = ""
    """The name under which the handler wanted to record something that is not recorded; empty: none."""

    async def recall(self, name: str) -> str:
        """Return what is recorded under a name; what was not is not done now: the recording goes no further."""
        known = await super().recall(name)
        if not known and not name.startswith("patched:"):
            self.unrecorded = name
            await self.saga.waits.wait_until(f"once {name}")
        return known


class ReplayRun:
    """Replays one recorded saga."""

    def __init__(self, job: Job[Any, Any], recorded: RecordedSaga, within_s: float) -> None:
        """Prepare.

        Args:
            job: the kind, as its code is now.
            recorded: the saga.
            within_s: how long its handler may take, s.

        """
        loop = asyncio.get_running_loop()
        record = RunRecord(int(time.time() * 1000), {})
        record.journal |= recorded.steps
        record.memos |= recorded.memos
        record.epoch = recorded.epoch
        record.fence = 2  # so that the attempt reads its journal
        self._job = job
        self._recorded = recorded
        self._within_s = within_s
        self._ended_by_itself = False
        self._is_idle = False
        """Whether every branch of the handler waits for what its journal does not have."""
        store = MemoryAttemptStore(record, split_token(recorded.token).partition)
        envelope = Envelope(recorded.kind, recorded.input, recorded.version)
        # As a saga that unwinds the attempt takes no step that its journal does not have.
        started = Started(StartAnswer.RUN, record.fence, 1, -1, record.now_ms, 0, started_ms=record.now_ms)
        started_job = StartedJob(split_token(recorded.token).id, job, envelope, started)
        breakers = QueueBreakers(
            store, WorkerBreakers(NoBreakerStore(), [job], "testing", SETTINGS.lease_s), ask_nothing
        )
        limiter = anyio.CapacityLimiter(SETTINGS.threads)
        services = SagaServices(MemorySagaStore(record), GivenChildren(record, {}, lambda: None), limiter, "testing")
        self._lifecycle = lifecycle = Lifecycle(loop, unwinding=True)
        reporter = Reporter(store, started_job.id, started.fence, SETTINGS.progress_per_s, lifecycle.stop, loop)
        lifecycle.reporter = self._reporter = reporter
        self._sink = _ReplaySink(store, started_job, reporter, lifecycle, breakers, services, SETTINGS)
        self._deadlines = Deadlines(lifecycle, loop, _CLEAN_UP_S)
        self._runners = Runners(SETTINGS.threads, ProcessPool(SETTINGS))
        self._loop = loop

    async def replay(self) -> SagaReplay:
        """Run the handler until it has taken all recorded steps again, or takes others; return what came of it."""
        if not self._job.upcasts.takes(self._recorded.version):
            newest = self._job.upcasts.version
            detail = (
                f"the code has version {newest} of the kind, and takes no input of version {self._recorded.version}"
            )
            return self._found(ReplayVerdict.UNSERVED, detail)
        try:
            journal = await self._sink.saga.journal_client.load()
        except StoppedError as error:
            return self._found(ReplayVerdict.FAILED, str(error))
        try:
            run = await self._run()
            return self._judge(journal, run)
        finally:
            self._reporter.detach()
            self._sink.close()
            self._deadlines.cancel()
            self._lifecycle.release()

    async def _run(self) -> Run:
        """Run the handler until it ends, has to go on beyond its journal, or takes too long."""
        saga, lifecycle, recorded = self._sink.saga, self._lifecycle, self._recorded
        saga.waits.on_idle = lifecycle.wake
        call = HandlerCall(
            self._job, recorded.input, recorded.version, self._sink, lambda: None, lifecycle.wake,
            SETTINGS.max_result_bytes, self._loop,
        )  # fmt: skip
        run = self._runners.start(call)
        lifecycle.follow(run, AttemptState.REBUILDING)
        give_up = self._loop.time() + self._within_s
        self._deadlines.wake_after(self._within_s)
        while not (run.ended.done() or saga.waits.activity.idle or lifecycle.refusal or self._loop.time() >= give_up):
            lifecycle.expect_wakeup()
            await lifecycle.wakeup
        self._ended_by_itself, self._is_idle = run.ended.done(), saga.waits.activity.idle
        saga.end_rebuilding()
        if not self._ended_by_itself:
            lifecycle.cancelled = True
            await self._deadlines.end(run)
        return run

    def _judge(self, journal: Journal, run: Run) -> SagaReplay:
        refused = self._lifecycle.refusal
        if refused is not None:
            path = str(refused.errors[0].get("path", "")) if refused.errors else ""
            return self._found(ReplayVerdict.DIVERGED, refused.detail, path)
        if not self._ended_by_itself and not self._is_idle:
            detail = f"the handler did not come to the end of its journal within {self._within_s:g} s"
            return self._found(ReplayVerdict.FAILED, detail)
        raised = handler_outcome(run) if self._ended_by_itself else None
        if isinstance(raised, Raised) and not isinstance(raised.error, StepError):
            detail = f"the handler raised {type(raised.error).__name__}: {raised.error}"
            return self._found(ReplayVerdict.FAILED, detail)
        left_out = sorted((path for path in journal.rows if path not in self._sink.saga.taken), key=step_number)
        if left_out:
            row = journal.rows[left_out[0]]
            if self._sink.unrecorded:
                detail = (
                    f"the handler comes to ctx.once({self._sink.unrecorded!r}), of which nothing is recorded, before "
                    f"step {row.path} ({row.head.name}): so it cannot be said whether it fits"
                )
                return self._found(ReplayVerdict.FAILED, detail, row.path)
            goes_on = "ends" if self._ended_by_itself else "goes on"
            detail = f"the handler {goes_on} without step {row.path} ({row.head.name}), which the journal has"
            return self._found(ReplayVerdict.DIVERGED, detail, row.path)
        return self._found(ReplayVerdict.FITS)

    def _found(self, verdict: ReplayVerdict, detail: str = "", path: str = "") -> SagaReplay:
        one = self._recorded
        return SagaReplay(
            token=one.token, kind=one.kind, version=one.version, verdict=verdict, path=path, detail=detail
        )
