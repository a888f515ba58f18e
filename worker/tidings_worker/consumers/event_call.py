"""One event in hand: its handler's call, and what becomes of the event by how the call ends."""

import asyncio
import contextlib
import math
import random
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import msgspec
import structlog

from tidings.backoff import backoff
from tidings.circuit.breaker import Breaker
from tidings.circuit.call_guard import CallGuard
from tidings.circuit.circuit_open import CircuitOpenError
from tidings.consumer.consumed_event import ConsumedEvent, EventEnvelope, EventText, decode_event_text
from tidings.consumer.event_handler import EventHandler
from tidings.errors import Reject, Retry
from tidings.protocol.events import EventName
from tidings.protocol.problems import Problem, problem
from tidings.protocol.tokens import split_token
from tidings.resources.async_call import call_async
from tidings.resources.loop_bridge import LoopBridge
from tidings.resources.sync_call import call_sync
from tidings.store.groups.group_store import EventOutcome, EventReport, TakenEvent
from tidings.store.jobs.job_store import JobStore
from tidings_worker import fork
from tidings_worker.circuit.guarded_calls import GuardedCalls
from tidings_worker.circuit.worker_breakers import WorkerBreakers
from tidings_worker.outcome.error_text import error_name, safe_text, traceback_of
from tidings_worker.runner.call_with_dependencies import log_failed_clean_up

from .event_submitter import EventSubmitter

log = structlog.get_logger()

RETRY_DELAYS_S = (1.0, 600.0)
"""The longest pause after the first failed try, and after any."""

MAX_LOST = 3
"""How many workers may be lost while they handle one event, beside its tries; it may be what kills them."""

LETTER_TEXT = 8_000
"""Characters of an error's traceback that a letter keeps."""


class EventServices:
    """What calls of handlers need of their worker."""

    def __init__(
        self, jobs: JobStore, submitter: EventSubmitter, breakers: WorkerBreakers, threads: anyio.CapacityLimiter
    ) -> None:
        self.jobs = jobs
        self.submitter = submitter
        self.breakers = breakers
        self.threads = threads
        """Of plain functions."""


class EventCall:
    """An event in hand of this worker, and the call of its handler."""

    def __init__(self, services: EventServices, group: str, handler: EventHandler | None, taken: TakenEvent) -> None:
        """Prepare.

        Args:
            services: of the worker.
            group: whose event it is.
            handler: handles it; None: this worker has none any more.
            taken: what the store gave.

        """
        self._services = services
        self._group = group
        self._handler = handler
        self.taken = taken
        self._scope = anyio.CancelScope()
        self._guarded = GuardedCalls(services.breakers, f"on {group}")

    # Of the event's host.

    async def submit(self, event: ConsumedEvent, kind: str, value: Mapping[str, Any], part: str) -> str:
        """See `EventHost`."""
        return await self._services.submitter.submit(event, kind, value, part)

    def guard(self, breaker: str | Breaker) -> CallGuard:
        """See `EventHost`."""
        return CallGuard(self._guarded, self._services.breakers.definition_of(breaker))

    @property
    def state(self) -> Any:
        """See `EventHost`."""
        assert self._handler is not None
        return self._handler.state

    # Of the reader.

    def stop(self) -> None:
        """Break the call off: the worker leaves, or another worker has the event. A thread goes on alone."""
        self._scope.cancel()

    async def run(self) -> EventReport:
        """Call the handler, and return what becomes of the event; raises nothing.

        An event that is broken off is handed back.
        """
        report = self._report(EventOutcome.BACK)
        with self._scope:
            try:
                report = await self._handle()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if self._scope.cancel_called or (task is not None and task.cancelling()):
                    raise
                report = self._failed(RuntimeError("the handler raised CancelledError by itself"))
            except BaseException as error:  # noqa: BLE001 - SystemExit of a handler would end the loop
                report = self._failed(error)
            finally:
                self._guarded.end(timed_out=False)
        return report

    async def _handle(self) -> EventReport:
        handler, taken = self._handler, self.taken
        if handler is None:
            return self._report(EventOutcome.BACK, delay_s=1.0)
        if taken.tries > handler.policy.retries + 1 + MAX_LOST:
            log.error("event_dead", group=self._group, job=taken.job, entry=taken.entry, attempt=taken.tries)
            lost = "more workers were lost while they handled this event than may be; it may be what ends them"
            return self._dead(problem("worker_lost", lost), "")
        try:
            text = decode_event_text(taken.frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            said = safe_text(error)
            log.error(  # noqa: TRY400 - the traceback is our own
                "event_not_understood", group=self._group, job=taken.job, entry=taken.entry, error=said
            )
            return self._dead(problem("internal_error", "what the store holds of this event cannot be read"), said)
        event = await self._event(text)
        try:
            with anyio.fail_after(handler.policy.timeout):
                if handler.policy.breaker is None:
                    await self._call(handler, event)
                else:
                    async with self.guard(handler.policy.breaker):
                        await self._call(handler, event)
        except TimeoutError as error:
            return self._failed(error)
        return self._report(EventOutcome.DONE)

    async def _call(self, handler: EventHandler, event: ConsumedEvent) -> None:
        plan = handler.dependencies
        if handler.mode == "thread":
            await self._call_in_thread(handler, event)
        elif plan is None:
            await handler.function(event)
        else:
            handle = partial(handler.function, event)
            await call_async(plan, handle, {}, lambda _: event, log_failed_clean_up)

    async def _call_in_thread(self, handler: EventHandler, event: ConsumedEvent) -> None:
        over = threading.Event()
        bridge = LoopBridge(asyncio.get_running_loop(), over.is_set)
        try:
            await anyio.to_thread.run_sync(
                _in_thread, handler, event, bridge, limiter=self._services.threads, abandon_on_cancel=True
            )
        except BaseException:
            over.set()  # what the thread still asks of the event loop is refused
            bridge.stop()
            raise

    async def _event(self, text: EventText) -> ConsumedEvent:
        data, truncated = text.data, False
        if data is None:
            data = await self._data_of_record(text)
            truncated = not data
        said = EventEnvelope(
            kind=self.taken.kind,
            group=self._group,
            attempt=self.taken.tries,
            owner=self.taken.owner,
            correlation_id=self.taken.correlation_id,
            truncated=truncated,
        )
        return ConsumedEvent(text, said, data, self)

    async def _data_of_record(self, text: EventText) -> dict[str, Any]:
        """Return the data that were too large for the frame, from the job's record; empty: it has left the store."""
        record = await self._services.jobs.read(split_token(text.token))
        if record.state != text.event:
            return {}
        if text.event == EventName.SUCCEEDED:
            field, value = "result", record.result_json
        else:
            field, value = "problem", record.problem.encode()
        return {field: msgspec.json.decode(value)} if value else {}

    # What becomes of the event.

    def _failed(self, error: BaseException) -> EventReport:
        handler = self._handler
        assert handler is not None
        policy, tries = handler.policy, self.taken.tries
        said = {"group": self._group, "handler": handler.name, "kind": self.taken.kind, "name": self.taken.name,
                "job": self.taken.job, "attempt": tries}  # fmt: skip
        if isinstance(error, CircuitOpenError):
            wait = self._services.breakers.wait(error.breaker, error.retry_after)
            return self._report(EventOutcome.BACK, delay_s=wait)
        text = f"{error_name(error)}: {safe_text(error)}"
        if isinstance(error, TimeoutError):
            text = f"{text} (a try may take {policy.timeout:g} s)"
        if isinstance(error, Reject):
            log.warning("event_rejected", **said, error=text)
            return self._dead(problem("rejected", safe_text(error) or "the handler rejected the event"), "")
        may_be_retried = isinstance(error, (Retry, *policy.retry_on)) and not isinstance(error, policy.no_retry_on)
        if may_be_retried and tries <= policy.retries:
            asked = error.after if isinstance(error, Retry) else None
            wait = backoff(tries, random.random(), first_s=RETRY_DELAYS_S[0], longest_s=RETRY_DELAYS_S[1])  # noqa: S311
            log.warning("event_try_failed", **said, error=text, after_s=round(asked if asked is not None else wait, 3))
            return self._report(EventOutcome.RETRY, delay_s=wait if asked is None else asked)
        trace = traceback_of(error)
        log.error("event_dead", **said, error=text, exception=trace, help="tidings events dead and retry")
        return self._dead(problem("handler_error", f"{tries} tries failed; the last: {text}"[:1000]), trace)

    def _dead(self, refused: Problem, trace: str) -> EventReport:
        letter = {"problem": refused, "traceback": trace[-LETTER_TEXT:]}
        return self._report(EventOutcome.DEAD, letter=msgspec.json.encode(letter).decode())

    def _report(self, outcome: EventOutcome, *, delay_s: float = 0.0, letter: str = "") -> EventReport:
        taken = self.taken
        return EventReport(taken.job, taken.entry, taken.tries, outcome, math.ceil(delay_s * 1000), letter)


def _in_thread(handler: EventHandler, event: ConsumedEvent, bridge: LoopBridge) -> None:
    with contextlib.ExitStack() as stack:
        stack.callback(fork.end_if_copy)
        plan, handle = handler.dependencies, partial(handler.function, event)
        if plan is None:
            handle()
        else:
            call_sync(plan, handle, {}, lambda _: event, bridge, log_failed_clean_up)
