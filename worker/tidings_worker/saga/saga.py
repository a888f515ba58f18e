"""A saga: what an `async def` handler's context does when the handler takes steps.

Steps are numbered when they are called and done when they are awaited. Each is looked up in the journal first:
what is there answers at once. What is not is done, and recorded before its await returns.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

import anyio
import msgspec
import structlog

from tidings.context import Sink
from tidings.errors import Reject, StoppedError
from tidings.job import Job
from tidings.protocol.envelope import Envelope
from tidings.protocol.problems import Problem, problem
from tidings.protocol.steps import SIGNAL_PATTERN, StepHead, StepStatus, StepType
from tidings.protocol.tokens import Token
from tidings.saga.orchestrator import Orchestrator, StepOptions, key_of_step
from tidings.saga.step_errors import SagaUseError, SignalTimeout, StepError
from tidings.schema.codec import encode
from tidings.store.availability.retry_delay import store_retry_delay
from tidings.store.availability.store_errors import StoreClosedError, StoreError
from tidings.store.saga_store import SagaStore
from tidings.tracing.spans import Span, Tracing, job_attributes
from tidings_worker.error_text import traceback_of
from tidings_worker.errors import FinalError

from .branch import Branch
from .children import Children, NewChild
from .function_step import FunctionCaller, FunctionOutcome, StepFunction, Tries, step_function_of, undo_of
from .journal import DivergedError, JournalRow, child_id
from .journal_client import JournalClient, JournalHost, token_from_text

log = structlog.get_logger()

MAX_DEPTH = 32
"""How many sagas may stand above a job."""

PAUSE_IN_PLACE_S = 2.0
"""A shorter pause before another attempt of a step is waited for in the worker."""

UNIQUE_RETRY_MS = 2_000
"""A child whose unique value another job holds is tried again after this."""

UNDO_SUFFIX = "u"
"""Stands at the end of a step's path where the end of what undoes it is told (`wake.lua`)."""

_decode = msgspec.json.decode
_SIGNAL = re.compile(SIGNAL_PATTERN)


class SagaServices(NamedTuple):
    """What the sagas of one worker share."""

    store: SagaStore
    children: Children
    threads: anyio.CapacityLimiter
    worker: str
    tracing: Tracing | None = None


class SagaHost(JournalHost, Protocol):
    """The attempt whose handler takes the steps."""

    @property
    def handler_task(self) -> "asyncio.Task[Any] | None":
        """The task that runs the handler."""


class CurrentBranch(NamedTuple):
    """Where in which saga the code runs."""

    saga: "Saga"
    branch: Branch
    task: "asyncio.Task[Any] | None"


_current_branch: ContextVar[CurrentBranch | None] = ContextVar("_here", default=None)
"""The branch of a `gather` in which the code runs; None: the handler itself."""


class StepCoroutine(Coroutine[Any, Any, Any]):
    """A step that has its number, and is done when it is awaited.

    It has the face of a coroutine, so that `asyncio.create_task` takes it and the task fails with what `check_place`
    says, instead of a TypeError about types.
    """

    __slots__ = ("_begun", "_perform", "_running", "_saga", "what")

    def __init__(self, saga: "Saga", what: str, perform: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._saga = saga
        self.what = what
        self._perform = perform
        self._begun = False
        self._running: Generator[Any, Any, Any] | None = None

    def send(self, value: Any, /) -> Any:
        """Go on, as a task has it do; see `Coroutine`."""
        if self._running is None:
            self._running = self.__await__()
        return self._running.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error where it waits; see `Coroutine`."""
        if self._running is None:
            self._running = self.__await__()
        return self._running.throw(*error)

    def close(self) -> None:
        """End it; see `Coroutine`."""
        if self._running is not None:
            self._running.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        self._saga.check_place(self.what)
        if self._begun:
            raise SagaUseError(f"{self.what} is awaited a second time; keep what the first await returned")
        self._begun = True
        return self._perform().__await__()


class Saga(Orchestrator):
    """The steps of one attempt."""

    def __init__(
        self,
        host: SagaHost,
        sink: Sink,
        means: SagaServices,
        job: Job[Any, Any],
        envelope: Envelope,
        *,
        unwinding: bool,
    ) -> None:
        """Prepare.

        Args:
            host: the attempt.
            sink: the attempt, as what it calls sees it.
            means: what it shares with others.
            job: the saga's kind.
            envelope: what it was queued with.
            unwinding: whether the handler runs only to say again how its steps are undone.

        """
        self.journal_client = JournalClient(means.store, host, means.worker)
        self.children = means.children
        self.caller = FunctionCaller(job, sink, means.threads, means.tracing)
        self._tracing = means.tracing
        self.undos: dict[str, Callable[[Any], StepFunction]] = {}
        """How the steps that the handler has come by are undone, by their paths."""
        self.on_undo: Callable[[], None] = lambda: None
        """Called when one more is known."""
        self.rebuilt = False
        """The handler has said how its steps are undone, and is to say no more."""
        self.token = host.token
        self.envelope = envelope
        self.job = job
        self._host = host
        self._root = Branch()
        self._unwinding = unwinding
        self._signals: dict[str, set[int]] = {}

    # What the handler calls.

    def step(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], options: StepOptions
    ) -> Awaitable[Any]:
        """Call a function once."""
        if not callable(function):
            raise SagaUseError(f"ctx.step takes a function; this is {function!r} (for a child job take ctx.call)")
        what = step_function_of(
            function, args, kwargs, self.job.policy, name=options.name, retries=options.retries, timeout=options.timeout
        )
        path = self._number(what.name)
        if options.undo is not None and not isinstance(options.undo, str):
            self._can_undo(path, undo_of(what, options.undo, self.job.policy))
        return self._step_coroutine(path, what.name, lambda: self._call_local(path, what, options.undo))

    def call(self, kind: Any, value: Any, undo: Any, name: str | None) -> Awaitable[Any]:
        """Have a child job run."""
        kind = _kind_of(kind)
        text = _object_of(kind, value)
        path = self._number(name or kind)
        if callable(undo) and not isinstance(undo, Job):
            what = step_function_of(undo, (_decode(text),), {}, self.job.policy)
            self._can_undo(path, undo_of(what, undo, self.job.policy))
        undo_name, by_kind = _undo_of_call(undo)
        return self._step_coroutine(
            path, name or kind, lambda: self._call_child(path, name or kind, kind, text, undo_name, by_kind)
        )

    def gather(self, branches: Sequence[Awaitable[Any]], return_exceptions: bool) -> Awaitable[list[Any]]:
        """Take steps beside each other."""
        path = self._number("gather")
        return self._step_coroutine(path, "gather", lambda: self._gather(path, branches, return_exceptions))

    def signal(self, name: str, timeout: float | None) -> Awaitable[Any]:
        """Wait for a signal."""
        if not _SIGNAL.match(name):
            raise ValueError(f"a signal's name has 1 to 128 letters, digits, `_`, `.` and `-`; this is {name!r}")
        path = self._number(name)
        return self._step_coroutine(path, name, lambda: self._await_signal(path, name, timeout))

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait for a time."""
        path = self._number("sleep")
        return self._step_coroutine(path, "sleep", lambda: self._sleep(path, seconds))

    def check_place(self, what: str) -> Branch:
        """Return the branch in which the code runs.

        Raises:
            SagaUseError: it is none: the code runs in a task of its own, or inside a step.

        """
        if key_of_step.get():
            raise SagaUseError(f"{what}: a step takes no steps of its own; take them in the handler, or in a child job")
        here = _current_branch.get()
        branch, task = (self._root, self._host.handler_task) if here is None else (here.branch, here.task)
        if asyncio.current_task() is not task or (here is not None and here.saga is not self):
            raise SagaUseError(
                f"{what}: steps are taken by the handler itself or in a branch of ctx.gather, not in a task of your "
                "own (asyncio.gather, create_task): their order would not be the same in the next run"
            )
        return branch

    def close(self) -> None:
        """End what is left of its tasks."""
        self.journal_client.close()

    # The beginning of every step.

    def _number(self, what: str) -> str:
        return self.check_place(f"step {what!r}").number()

    def _can_undo(self, path: str, undo: Callable[[Any], StepFunction]) -> None:
        self.undos[path] = undo
        self.on_undo()

    def _step_coroutine(self, path: str, name: str, perform: Callable[[], Coroutine[Any, Any, Any]]) -> StepCoroutine:
        return StepCoroutine(self, f"step {path} ({name})", perform)

    async def _find(self, path: str, name: str, type_: StepType) -> JournalRow | None:
        """Return what the journal knows of a step.

        Raises:
            StoppedError: it is another step that stands there: the attempt is over.

        """
        if self.rebuilt:
            raise StoppedError("the saga unwinds: its handler takes no steps any more")
        try:
            row = (await self.journal_client.load()).find(path, name, type_)
        except DivergedError as error:
            self._host.refuse(problem("saga_diverged", str(error), errors=[{"path": path}]))
            raise StoppedError(str(error)) from error
        if self._unwinding and (row is None or row.head.ok is None):
            await self.journal_client.wait_for_news(
                path, lambda: False
            )  # the handler goes no further; its waits end with it
        return row

    async def _fail(self, path: str, head: StepHead, refused: Problem, **fields: Any) -> StepError:
        """Record that a step has failed for good, and return what its await raises."""
        text = msgspec.json.encode(refused).decode()
        failed = msgspec.structs.replace(head, status=StepStatus.FAILED, ok=False)
        await self.journal_client.write(path, failed, outcome=text, **fields)
        return StepError(head.name, path, refused)

    # A function.

    async def _call_local(self, path: str, what: StepFunction, undo: Any) -> Any:
        row = await self._find(path, what.name, StepType.STEP)
        if row is not None and row.head.ok is not None:
            return _answer(row)
        undo_name = undo if isinstance(undo, str) else str(getattr(undo, "__name__", "undo")) if undo else ""
        head = StepHead(
            status=StepStatus.RUNNING, name=what.name, type=StepType.STEP, worker=self.journal_client.worker,
            owes=int(bool(undo)), undo=undo_name, undo_kind=isinstance(undo, str),
        )  # fmt: skip
        shown = what.shown() if row is None else ""

        async def save(tries: Tries, after: float | None) -> None:
            nonlocal shown
            # One that failed by its own word, and waits to be tried again, has nothing to undo.
            owes = int(bool(undo) and (after is None or tries.unknown))
            now = msgspec.structs.replace(_tried(head, tries), owes=owes)
            text, shown = shown, ""
            if undo or tries.failures or after is not None:
                await self.journal_client.write(
                    path, now, input=text, due_ms=-1 if after is None else int(after * 1000)
                )
            else:  # what comes of it is recorded after this, and is durable only together with it
                self.journal_client.put(path, now, input=text).add_done_callback(_retrieve)

        if row is not None and row.head.due:
            await self.journal_client.wait_for_news(path, lambda: False, due_ms=row.head.due)
        before = Tries(row.head.attempts, row.head.failures, row.head.unknown) if row is not None else Tries()
        ended = await self.caller.call_until_done(
            what, self.journal_client.key_of(path), save, self.pause_of(path), before
        )
        if ended.problem is not None:
            self.log_failure(path, ended)
            failed = msgspec.structs.replace(_tried(head, ended.tries), owes=int(ended.tries.unknown and bool(undo)))
            raise await self._fail(path, failed, ended.problem) from ended.error
        done = msgspec.structs.replace(_tried(head, ended.tries), status=StepStatus.SUCCEEDED, ok=True)
        await self.journal_client.write(path, done, outcome=ended.result)
        return _decode(ended.result)

    def pause_of(self, path: str) -> Callable[[float], Awaitable[None]]:
        """Return what waits so many seconds before a step is tried again, in the worker or away from it."""

        async def pause(seconds: float) -> None:
            if seconds <= PAUSE_IN_PLACE_S:
                await asyncio.sleep(seconds)
            else:
                due_ms = self.journal_client.now_ms() + int(seconds * 1000)
                await self.journal_client.wait_for_news(path, lambda: False, due_ms=due_ms)

        return pause

    def log_failure(self, path: str, ended: FunctionOutcome) -> None:
        """Have operators see what a step raised."""
        if ended.error is not None and not isinstance(ended.error, Reject | FinalError):
            log.warning("step_failed", path=path, exception=traceback_of(ended.error))

    # A child.

    async def _call_child(self, path: str, name: str, kind: str, text: str, undo: str, by_kind: bool) -> Any:
        row = await self._find(path, name, StepType.CALL)
        if row is not None and row.head.ok is not None:
            return _answer(row)
        if row is None:
            token = await self._begin_child(path, name, kind, text, undo, by_kind)
            made, tries = False, 1
        else:
            token, text, kind, tries = (
                token_from_text(row.head.child),
                row.input or text,
                row.head.kind,
                row.head.attempts,
            )
            made = self.journal_client.left_to_wait and not row.head.due

        def ended() -> bool:
            known = self.journal_client.journal.rows.get(path)
            return known is not None and known.head.ok is not None

        while not ended():
            due_ms = 0
            if not made and not (made := await self.make(path, token, kind, text)):
                # Recorded, so that whoever is woken meanwhile knows that it is still to be made.
                tries += 1
                head = StepHead(
                    status=StepStatus.RUNNING, name=name, type=StepType.CALL, attempts=tries, owes=1, child=str(token),
                    kind=kind, undo=undo, undo_kind=by_kind,
                )  # fmt: skip
                due_ms = (await self.journal_client.write(path, head, due_ms=UNIQUE_RETRY_MS)).now_ms + UNIQUE_RETRY_MS
            await self.journal_client.wait_for_news(path, ended, due_ms=due_ms, child=True)
        return _answer(self.journal_client.journal.rows[path])

    async def _begin_child(self, path: str, name: str, kind: str, text: str, undo: str, by_kind: bool) -> Token:
        """Record that a child is to be made, before it is; return its token.

        Raises:
            StepError: there is no such kind, or the saga is too deep.

        """
        head = StepHead(
            status=StepStatus.RUNNING, name=name, type=StepType.CALL, attempts=1,
            kind=kind, undo=undo, undo_kind=by_kind,
        )  # fmt: skip
        if self.envelope.depth >= MAX_DEPTH:
            detail = f"{MAX_DEPTH} sagas stand above this job, as many as may; does a kind call itself without end?"
            raise await self._fail(path, head, problem("saga_too_deep", detail, limit=MAX_DEPTH), input=text)
        record = await self.until_answered(lambda: self.children.kinds.find(kind))
        if record is None:
            detail = f"no worker has registered the kind {kind!r}; start one that serves it"
            raise await self._fail(path, head, problem("unknown_kind", detail), input=text)
        token = Token(record.queue, child_id(self.token, path, self.journal_client.replays))
        head = msgspec.structs.replace(head, child=str(token), owes=1)
        await self.journal_client.write(path, head, input=text)
        return token

    async def make(self, path: str, token: Token, kind: str, text: str) -> bool:
        """Make a child, unless it is there already; return whether it is there.

        Args:
            path: the step's, under which its end will be told; with `u` at the end if it undoes the step.
            token: the child's.
            kind: its kind.
            text: its input.

        """
        record = await self.until_answered(lambda: self.children.kinds.find(kind))
        if record is None:
            return False  # it was there when the step began; it may come back
        left = 0
        if self.journal_client.deadline_ms and not self._unwinding:
            left = max(self.journal_client.deadline_ms - self.journal_client.now_ms(), 1)
        key = self.journal_client.key_of(path.removesuffix(UNDO_SUFFIX))
        span = self._begin_child_span(path, token, kind)
        above = self.envelope
        if span is not None:
            above = msgspec.structs.replace(above, traceparent=span.traceparent, tracestate=span.tracestate)
        child = NewChild(token, record, text, self.token, path, self.journal_client.owner, left, key, above)
        try:
            there: bool = await self.until_answered(lambda: self.children.submit(child))
        finally:
            if span is not None:
                span.end()
        return there

    def _begin_child_span(self, path: str, token: Token, kind: str) -> Span | None:
        if self._tracing is None:
            return None
        attributes = job_attributes(
            "submit", "send", token.partition, kind, str(token), self.envelope.correlation_id or self.token
        )
        return self._tracing.inside(f"submit {kind}", "producer", {**attributes, "tidings.step.path": path})

    async def until_answered(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Ask the store until it answers, or the attempt is over."""
        failures = 0
        while not self._host.cancelled:
            try:
                return await call()
            except StoreClosedError:
                break
            except StoreError:
                failures += 1
            await asyncio.sleep(store_retry_delay(failures))
        raise StoppedError("the attempt is over")

    # A signal.

    async def _await_signal(self, path: str, name: str, timeout: float | None) -> Any:
        row = await self._find(path, name, StepType.SIGNAL)
        if row is not None and row.head.ok is not None:
            return _answer(row)
        number = self._next_signal(name)
        head = StepHead(status=StepStatus.RUNNING, name=name, type=StepType.SIGNAL)
        value, due_ms = self.journal_client.journal.signal(name, number), row.head.due if row is not None else 0
        try:
            if row is None:
                due = -1 if timeout is None else int(timeout * 1000)
                written = await self.journal_client.write(path, head, due_ms=due, signal=f"{name}:{number}")
                value, due_ms = written.signal, 0 if timeout is None else written.now_ms + due

            def come() -> bool:
                return bool(self.journal_client.journal.signal(name, number))

            while not value:
                if due_ms and self.journal_client.now_ms() >= due_ms:
                    detail = f"the signal {name!r} did not come in time"
                    failed = await self._fail(path, head, problem("timeout", detail))
                    raise SignalTimeout(failed.name, failed.path, failed.problem)
                await self.journal_client.wait_for_news(path, come, due_ms=due_ms, signal=name)
                value = self.journal_client.journal.signal(name, number)
        finally:
            self._signals[name].discard(number)
        done = msgspec.structs.replace(head, status=StepStatus.SUCCEEDED, ok=True, number=number)
        self._signals[name].add(number)
        await self.journal_client.write(path, done, outcome=value)
        return _decode(value)

    def _next_signal(self, name: str) -> int:
        """Return the number of the first signal of a name that no step has taken."""
        taken = self._signals.setdefault(name, set())
        for row in self.journal_client.journal.rows.values():
            if row.head.type is StepType.SIGNAL and row.head.name == name and row.head.number:
                taken.add(row.head.number)
        number = 1
        while number in taken:
            number += 1
        taken.add(number)
        return number

    # A time.

    async def _sleep(self, path: str, seconds: float) -> None:
        row = await self._find(path, "sleep", StepType.SLEEP)
        if row is not None and row.head.ok is not None:
            return
        head = StepHead(status=StepStatus.RUNNING, name="sleep", type=StepType.SLEEP)
        if row is None:
            due_ms = (await self.journal_client.write(path, head, due_ms=int(seconds * 1000))).now_ms + int(
                seconds * 1000
            )
        else:
            due_ms = row.head.due
        while self.journal_client.now_ms() < due_ms:
            await self.journal_client.wait_for_news(path, lambda: False, due_ms=due_ms)
        await self.journal_client.write(
            path, msgspec.structs.replace(head, status=StepStatus.SUCCEEDED, ok=True), outcome="null"
        )

    # Branches.

    async def _gather(self, path: str, branches: Sequence[Awaitable[Any]], return_exceptions: bool) -> list[Any]:
        if not branches:
            return []
        activity, left = self.journal_client.activity, len(branches)

        async def run(number: int, branch: Awaitable[Any]) -> Any:
            nonlocal left
            _current_branch.set(CurrentBranch(self, Branch.under(path, number), asyncio.current_task()))
            try:
                return await branch
            finally:
                left -= 1
                activity.join(last=left == 0)
                self.journal_client.leave_if_idle()

        activity.fork(len(branches))
        tasks = [
            asyncio.create_task(run(number, branch), name=f"branch {path}.{number} {self.token}")
            for number, branch in enumerate(branches, 1)
        ]
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            for task in tasks:
                _retrieve(task)
            raise
        results = [
            task.exception() or task.result() if not task.cancelled() else asyncio.CancelledError() for task in tasks
        ]
        if not return_exceptions:
            for result in results:
                if isinstance(result, BaseException):
                    raise result
        return results


def _tried(head: StepHead, tries: Tries) -> StepHead:
    return msgspec.structs.replace(head, attempts=tries.attempts, failures=tries.failures, unknown=tries.unknown)


def _answer(row: JournalRow) -> Any:
    if row.head.ok:
        return _decode(row.outcome)
    refused = row.problem
    if row.head.type is StepType.SIGNAL:
        raise SignalTimeout(row.head.name, row.path, refused)
    raise StepError(row.head.name, row.path, refused)


def _kind_of(kind: Any) -> str:
    if isinstance(kind, Job):
        return kind.kind
    if not isinstance(kind, str) or not kind:
        raise SagaUseError(
            f"ctx.call takes the name of a kind, or its @job; this is {kind!r} (for a function: ctx.step)"
        )
    return kind


def _object_of(kind: str, value: Any) -> str:
    text = encode(value).decode()
    if not text.startswith("{"):
        raise TypeError(f"ctx.call: the input of {kind} must be an object; this is {type(value).__name__}")
    return text


def _undo_of_call(undo: Any) -> tuple[str, bool]:
    """Return the name of what undoes a call, and whether it is a kind."""
    if undo is None:
        return "", False
    if isinstance(undo, str):
        return undo, True
    if isinstance(undo, Job):
        return undo.kind, True
    return str(getattr(undo, "__name__", "undo")), False


def _retrieve(future: "asyncio.Future[Any]") -> None:
    """Take note of an error that somebody else will tell."""
    if not future.cancelled():
        future.exception()
