"""One attempt: a handler, its context, its limits, and how it ends."""

import random
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import structlog

from tidings.backoff import backoff
from tidings.broker.error import StoreError
from tidings.broker.worker import Beat, Entry, Outcome, Started, WorkerStore
from tidings.codec import encode
from tidings.context import Context, Sink, StoppedError, SyncContext
from tidings.contract.envelope import Envelope
from tidings.contract.pointer import split_msgspec
from tidings.contract.problem import problem
from tidings.contract.token import Token
from tidings.job import Job
from tidings.outcome import Reject, Retry

from . import verdict
from .settings import WorkerSettings
from .voice import RESEND_S, Voice

log = structlog.get_logger()

_HANDLER_ERRORS = (Exception, SystemExit, KeyboardInterrupt, GeneratorExit)
"""What a handler may raise, and a worker lives through. Cancellation is not among them."""


class Attempt(Sink):
    """One run of one job. It is the handler's `Sink`."""

    def __init__(
        self,
        store: WorkerStore,
        settings: WorkerSettings,
        job: Job[Any, Any],
        entry: Entry,
        envelope: Envelope,
        started: Started,
    ) -> None:
        self.token = str(Token(store.partition, entry.id))
        self.kind = job.kind
        self.attempt = started.attempt
        self.correlation_id = envelope.correlation_id
        self.idempotency_key = envelope.key or self.token
        self.cancelled = False
        self.max_chunk_bytes = settings.max_chunk_bytes
        self.beat = Beat(entry.id, started.fence, entry.tier, entry.entry)
        """What the heartbeat says of it."""
        self._id = entry.id
        self._store = store
        self._settings = settings
        self._job = job
        self._input = envelope.input
        self._started = started
        self._voice = Voice(store, entry.id, started.fence, settings.progress_per_s, self.stop)
        self._scope = anyio.CancelScope()
        self._reason = ""
        self._error: BaseException | None = None

    # What the handler says.

    def progress(self, data: str) -> None:
        """Take the newest progress."""
        self._voice.progress(data)

    def log(self, chunk: str) -> None:
        """Take a log chunk."""
        self._voice.log(chunk)

    async def room(self) -> None:
        """Return when there is room for more log chunks."""
        await self._voice.room()

    async def recall(self, name: str) -> str:
        """Return what is recorded under a name."""
        return "" if self._started.fence == 1 else await self._remember(name, "")

    async def record(self, name: str, value: str) -> str:
        """Record something under a name."""
        return await self._remember(name, value)

    async def _remember(self, name: str, value: str) -> str:
        """Ask the store until it answers; an attempt that is not this worker's any more ends here."""
        failures = 0
        while True:
            try:
                memo = await self._store.once(self._id, self._started.fence, name, value)
            except StoreError:
                failures += 1
                pause = backoff(failures, random.random(), first_s=RESEND_S[0], longest_s=RESEND_S[1])  # noqa: S311
                await anyio.sleep(pause)
                continue
            if memo.answer == "lost":
                self.stop("lost")
                await anyio.sleep_forever()
            return memo.value

    # What others ask.

    def stop(self, reason: str) -> None:
        """Stop the handler.

        Args:
            reason: `cancel` (someone asked), `lost` (the job is another worker's by now), or
                `hand_back` (this worker leaves). The first one stands.

        """
        if not self._reason:
            self._reason = reason
            self.cancelled = True
            self._scope.cancel()

    # Running.

    async def run(self, threads: anyio.CapacityLimiter) -> None:
        """Run the handler and have its outcome written."""
        say = log.bind(token=self.token, kind=self.kind, attempt=self.attempt)
        outcome = await self._outcome(threads)
        self.cancelled = True  # a thread that was left behind must find out
        if outcome is None:
            self._voice.fall_silent()
            say.warning("attempt_lost")
            return
        answer = await self._voice.end(outcome)
        if answer == "lost":
            say.warning("outcome_refused", state=outcome.state)
        elif self._error is not None and not isinstance(self._error, Reject | Retry):
            say.warning("attempt_failed", state=outcome.state, exc_info=self._error)
        else:
            say.debug("attempt_ended", state=outcome.state)

    async def _outcome(self, threads: anyio.CapacityLimiter) -> Outcome | None:
        if self._started.lost >= self._job.policy.max_deliveries:
            return self._worn_out()
        limit, ends_job = self._limit()
        found: Outcome | None = None
        timer = anyio.CancelScope(deadline=anyio.current_time() + limit)
        with self._scope, timer:
            found = await self._call(threads)
        if found is not None:
            return found
        if self._scope.cancelled_caught or self._reason:
            return self._stopped()
        if ends_job:
            return verdict.expired()
        return verdict.timed_out(self._job, self.attempt, limit, random.random(), self._started.lost)  # noqa: S311

    async def _call(self, threads: anyio.CapacityLimiter) -> Outcome:
        try:
            arguments = self._job.input.arguments(self._input)
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            what, where = split_msgspec(str(error))
            return verdict.failed(problem("invalid_input", what, field="/input" + where), error)
        try:
            return self._check(encode(await self._handle(arguments, threads)))
        except StoppedError:
            await anyio.sleep_forever()  # the thread obeyed; the scope ends here by its cancellation
            raise
        except _HANDLER_ERRORS as error:
            self._error = error
            return verdict.raised(self._job, self.attempt, error, random.random(), self._started.lost)  # noqa: S311

    async def _handle(self, arguments: dict[str, Any], threads: anyio.CapacityLimiter) -> Any:
        job = self._job
        if job.mode == "async":
            if job.input.context:
                arguments[job.input.context] = Context(self)
            return await job.function(**arguments)
        if job.input.context:
            arguments[job.input.context] = SyncContext(self)
        return await anyio.to_thread.run_sync(
            lambda: job.function(**arguments), abandon_on_cancel=True, limiter=threads
        )

    def _check(self, result: bytes) -> Outcome:
        most = self._settings.max_result_bytes
        if len(result) > most:
            detail = f"the result is {len(result)} bytes as JSON; at most {most} are kept"
            return verdict.failed(problem("result_too_large", detail, limit=most))
        return verdict.succeeded(result)

    def _limit(self) -> tuple[float, bool]:
        """Return how long this attempt may take, s, and whether the job ends with that."""
        timeout = self._job.policy.timeout or float("inf")
        remaining = self._started.remaining_ms / 1000 if self._started.remaining_ms else float("inf")
        return min(timeout, remaining), remaining <= timeout

    def _stopped(self) -> Outcome | None:
        match self._reason:
            case "cancel":
                return verdict.cancelled()
            case "hand_back":
                return verdict.handed_back()
            case _:
                return None

    def _worn_out(self) -> Outcome:
        detail = f"{self._started.lost} workers were lost while they ran this; it is not tried again"
        return verdict.failed(problem("worker_lost", detail))
