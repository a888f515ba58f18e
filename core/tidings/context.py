"""The context: what a handler knows of its attempt, and how it speaks to whoever waits.

`Context` is for `async def` handlers, `SyncContext` for plain functions, which run in threads;
both are faces of one `Sink`, which the worker provides.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar, overload

import msgspec

from .circuit.breaker import Breaker
from .circuit.call_guard import CallGuard, CallPermits, SyncCallGuard
from .errors import StoppedError
from .saga.orchestrator import KindLike, Orchestrator, StepOptions, UndoLike, key_of_step
from .saga.step_errors import SagaUseError
from .schema.codec import encode, encode_chunk, encode_progress
from .seconds import Duration, seconds_of

T = TypeVar("T")

MAX_ONCE_NAME = 200
"""Characters in the name of a step that is done once."""

MAX_ONCE_RESULT_BYTES = 65_536
"""Size of what such a step returns, as JSON: it is kept in the job's record."""


class Sink(CallPermits, Protocol):
    """Where an attempt's words go; the worker's side of a context. Belongs to the event loop."""

    token: str
    kind: str
    attempt: int
    correlation_id: str
    traceparent: str
    idempotency_key: str
    cancelled: bool
    max_chunk_bytes: int

    def progress(self, data: str) -> None:
        """Take the newest progress, as JSON text."""

    def log(self, chunk: str) -> None:
        """Take a log chunk, as JSON text."""

    async def room(self) -> None:
        """Return when there is room for more log chunks: back-pressure from the store."""

    async def recall(self, name: str) -> str:
        """Return the JSON text recorded under a name by this attempt or an earlier one; empty: none."""

    async def record(self, name: str, value: str) -> str:
        """Record JSON text under a name, durably, and return what stands there: the first record does."""

    def breaker(self, breaker: str | Breaker) -> Breaker:
        """Return the breaker that is meant: where only its name is given, what is defined under it."""

    @property
    def saga(self) -> Orchestrator:
        """What takes the steps of an `async def` handler."""
        raise SagaUseError("only a handler that is `async def` takes steps, in a worker")


class _ContextBase:
    """What both kinds of context tell."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    @property
    def token(self) -> str:
        """The job's token."""
        return self._sink.token

    @property
    def kind(self) -> str:
        """The job's kind."""
        return self._sink.kind

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self._sink.attempt

    @property
    def correlation_id(self) -> str:
        """The caller's correlation id, or the token if it gave none; in a child of a saga its parent's."""
        return self._sink.correlation_id

    @property
    def traceparent(self) -> str:
        """W3C Trace Context for calls downstream: of this attempt where it is traced, else the client's, or empty.

        OpenTelemetry's own context says the same, and more of it inside steps, where traces are switched on.
        """
        return self._sink.traceparent

    @property
    def idempotency_key(self) -> str:
        """A key for calls downstream, the same in every attempt: the client's, or the job's token.

        Inside a step, and what undoes it, that step's own: the token and the step's place in the program.
        """
        return key_of_step.get() or self._sink.idempotency_key

    @property
    def cancelled(self) -> bool:
        """Whether someone asked that the job stop, or the job is no longer this worker's."""
        return self._sink.cancelled


class Context(_ContextBase):
    """The context of an `async def` handler."""

    async def progress(
        self,
        done: float | None,
        total: float | None = None,
        message: str | None = None,
        data: Any = None,
    ) -> None:
        """Say how far the work is. The newest wins: at most 20 a second reach the watchers.

        Args:
            done: the fraction done, 0 to 1; with `total`, how much of it is done; None: unknown.
            total: how much there is to do, in any unit, above 0.
            message: a few words for people.
            data: any JSON, such as a partial result.

        Raises:
            ValueError: the numbers make no fraction, or it is larger than a chunk may be.
            TypeError: `data` holds something that JSON has no form for.

        """
        self._sink.progress(encode_progress(done, total, message, data, self._sink.max_chunk_bytes))
        await asyncio.sleep(0)  # a handler that only reports must let the loop send it

    async def log(self, chunk: Any) -> None:
        """Add a chunk to the job's log. Chunks are never skipped, and arrive in order.

        Args:
            chunk: any JSON, at most `max_chunk_bytes` when encoded (64 KiB by default).

        Raises:
            ValueError: it is larger than that.
            TypeError: it holds something that JSON has no form for.

        """
        self._sink.log(encode_chunk(chunk, self._sink.max_chunk_bytes))
        await self._sink.room()

    async def once(self, name: str, function: Callable[[], Awaitable[T] | T]) -> T:
        """Do something once for the job, however many attempts it takes, and return what came of it.

        The result is recorded under the job before this returns; a later attempt gets the record, and
        `function` is not called. Between what `function` does and the record lies a moment at which a
        killed worker leaves the one without the other: give the call downstream `idempotency_key` too.
        Calls under one name must follow each other: two at the same time both do it.

        Args:
            name: names the step within the job, 1 to 200 characters.
            function: takes nothing; plain, or a coroutine function. What it raises is not recorded.

        Returns:
            What `function` returned, as JSON gives it back: a tuple becomes a list, in every attempt.

        Raises:
            ValueError: the name, or the result as JSON (64 KiB), is too long.
            TypeError: the result has no form in JSON.

        """
        _check_name(name)
        known = await self._sink.recall(name)
        if not known:
            result = function()
            value = _memo(name, await result if inspect.isawaitable(result) else result)
            known = await self._sink.record(name, value)
        decoded: T = msgspec.json.decode(known)
        return decoded

    def breaker(self, breaker: str | Breaker) -> CallGuard:
        """Return a block around a call of a service: `async with ctx.breaker("payments"): …`.

        What the block raises, and how long it takes, counts for the breaker. Where it is open the block is not
        entered. A handler that lets the error pass uses no attempt: its job waits, or fails, as the breaker's
        `when_open` says.

        Args:
            breaker: a name, or a `Breaker`.

        Raises:
            CircuitOpenError: (on entering) it is open.
            ValueError: the name is none.

        """
        return CallGuard(self._sink, self._sink.breaker(breaker))

    # Sagas: steps that are done once for the job, however often its handler runs. After a crash, a wait or a
    # deploy the handler runs again from its first line, and what it has done answers at once from the journal. So
    # it must take the same steps in the same order each time: what it decides by must come from its input or from
    # steps. Each of these is numbered when it is called, and done when it is awaited.

    @overload
    def step(
        self, function: Callable[..., Awaitable[T]], /, *args: Any, undo: UndoLike | None = ..., name: str | None = ...,
        retries: int | None = ..., timeout: Duration | None = ..., **kwargs: Any,
    ) -> Awaitable[T]: ...  # fmt: skip

    @overload
    def step(
        self, function: Callable[..., T], /, *args: Any, undo: UndoLike | None = ..., name: str | None = ...,
        retries: int | None = ..., timeout: Duration | None = ..., **kwargs: Any,
    ) -> Awaitable[T]: ...  # fmt: skip

    def step(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        undo: UndoLike | None = None,
        name: str | None = None,
        retries: int | None = None,
        timeout: Duration | None = None,
        **kwargs: Any,
    ) -> Awaitable[Any]:
        """Call a function once for the job; what it returned is the same in every later run of the handler.

        Args:
            function: plain (it runs in a thread), a coroutine function, or a `@job`, whose own policy then counts.
                If its first parameter is annotated as `Context` or `SyncContext`, it gets one.
            args: its arguments; they are kept in the journal to be looked at, where JSON has a form for them.
            undo: a function that undoes it, called with the same arguments, and with `result` if it has such a
                parameter, when the saga fails later; or the name of a kind. It must bear that the step has never
                happened (`result` is None then): of a step that was cut off nobody knows.
            name: of the step, for people; None: the function's.
            retries: how often a failed call is repeated; None: as often as its policy, else the job's, says.
            timeout: seconds one call may take, or a `timedelta`; None: what its policy says.
            kwargs: more arguments.

        Returns:
            An awaitable of what the function returned, as JSON gives it back.

        Raises:
            SagaUseError: not called, or not awaited, by the handler or a branch of `gather`.
            TypeError: `timeout` is no duration.
            ValueError: it is not above 0, or longer than a year.
            StepError: (when awaited) it has failed for good. It may be caught; if it leaves the handler, the job
                fails for good and what was done is undone.

        """
        limit = None if timeout is None else seconds_of("step: timeout", timeout, above=True, most_word="a year")
        options = StepOptions(undo=undo, name=name, retries=retries, timeout=limit)
        return self._sink.saga.step(function, args, kwargs, options)

    def call(
        self,
        kind: KindLike,
        input: Any = None,  # noqa: A002 - the contract's word
        /,
        *,
        undo: UndoLike | None = None,
        name: str | None = None,
        **fields: Any,
    ) -> Awaitable[Any]:
        """Have a child job run, of any kind and in any queue; meanwhile the saga may leave its worker.

        Args:
            kind: the name of the kind, or its `@job`.
            input: a JSON object, or what becomes one; None: the `fields`.
            undo: the name of a kind (or its `@job`) that undoes it: it gets the same input, and `result` if its
                input has such a field; or a function, called with the input.
            name: of the step; None: the kind's.
            fields: the input's fields.

        Returns:
            An awaitable of the child's result.

        Raises:
            SagaUseError: as for `step`.
            TypeError: the input has no form in JSON, or is no object.
            StepError: (when awaited) the child has failed, or could not be made.

        """
        return self._sink.saga.call(kind, fields if input is None else input, undo, name)

    def gather(self, *branches: Awaitable[Any], return_exceptions: bool = False) -> Awaitable[list[Any]]:
        """Take steps beside each other: steps, or coroutines that take steps.

        Args:
            branches: each is a branch of its own. All are waited for, whatever becomes of the others.
            return_exceptions: give back what a branch raised in the place of its result.

        Returns:
            An awaitable of their results, in order.

        Raises:
            SagaUseError: as for `step`.
            Exception: (when awaited) that of the first branch, in order, that raised one.

        """
        return self._sink.saga.gather(branches, return_exceptions)

    def signal(self, name: str, *, timeout: Duration | None = None) -> Awaitable[Any]:
        """Wait for a signal from outside (`job.signal(name, value)` of a client). It may have come before.

        Args:
            name: 1 to 128 letters, digits, `_`, `.` and `-`. The second wait for one name takes the second signal.
            timeout: seconds to wait, or a `timedelta`; None: as long as the job lives.

        Returns:
            An awaitable of the value that was sent.

        Raises:
            SagaUseError: as for `step`.
            ValueError: the name or the time is not allowed.
            TypeError: `timeout` is no duration.
            SignalTimeout: (when awaited) it did not come in time; a `StepError` and a `TimeoutError`.

        """
        what = f"signal {name!r}: timeout"
        limit = None if timeout is None else seconds_of(what, timeout, above=True, most_word="a year")
        return self._sink.saga.signal(name, limit)

    def sleep(self, seconds: Duration = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> Awaitable[None]:
        """Wait, without a worker if it is for more than a second. The end is fixed when it begins.

        Args:
            seconds: from 0, or a `timedelta`; all together at most a year.
            minutes: more.
            hours: more.
            days: more.

        Returns:
            An awaitable of nothing.

        Raises:
            SagaUseError: as for `step`.
            ValueError: the time is below 0, or above a year.
            TypeError: one of the times is no number.

        """
        parts = (("seconds", seconds, 1), ("minutes", minutes, 60), ("hours", hours, 3_600), ("days", days, 86_400))
        total = sum(seconds_of(f"sleep: {name}", value, most_word="a year") * unit for name, value, unit in parts)
        return self._sink.saga.sleep(seconds_of("sleep: the time", total, most_word="a year"))


class SyncContext(_ContextBase):
    """The context of a plain function, which runs in a thread or a process. The methods are those of `Context`.

    A plain function cannot be interrupted. When its attempt must end (cancelled, timed out), `cancelled`
    says so, and the next word it wants to say raises `StoppedError`. It has the kind's `cancel_grace` to
    clean up and return. After that a process is killed; a thread goes on, unheard, and keeps its place
    among the worker's threads until it ends.
    """

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._loop = asyncio.get_running_loop()

    def progress(
        self,
        done: float | None,
        total: float | None = None,
        message: str | None = None,
        data: Any = None,
    ) -> None:
        """Say how far the work is; see `Context.progress`.

        Raises:
            StoppedError: the attempt is over.

        """
        text = encode_progress(done, total, message, data, self._sink.max_chunk_bytes)
        self._check()
        self._loop.call_soon_threadsafe(self._sink.progress, text)

    def log(self, chunk: Any) -> None:
        """Add a chunk to the job's log; see `Context.log`. Waits while too much is unsent.

        Raises:
            StoppedError: the attempt is over.

        """
        text = encode_chunk(chunk, self._sink.max_chunk_bytes)
        self._check()
        asyncio.run_coroutine_threadsafe(self._log(text), self._loop).result()

    def once(self, name: str, function: Callable[[], T]) -> T:
        """Do something once for the job; see `Context.once`.

        Raises:
            StoppedError: the attempt is over.

        """
        _check_name(name)
        self._check()
        known = self._wait(self._sink.recall(name))
        if not known:
            value = _memo(name, function())
            self._check()
            known = self._wait(self._sink.record(name, value))
        decoded: T = msgspec.json.decode(known)
        return decoded

    def breaker(self, breaker: str | Breaker) -> SyncCallGuard:
        """Return a block around a call of a service: `with ctx.breaker("payments"): …`; see `Context.breaker`.

        Raises:
            StoppedError: the attempt is over.

        """
        self._check()
        return SyncCallGuard(self._sink, self._sink.breaker(breaker), self._loop, self._check)

    def _wait(self, call: Coroutine[Any, Any, str]) -> str:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    async def _log(self, text: str) -> None:
        self._sink.log(text)
        await self._sink.room()

    def _check(self) -> None:
        if self._sink.cancelled:
            raise StoppedError("the attempt is over: it was cancelled, timed out, or is another worker's")


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_ONCE_NAME:
        raise ValueError(f"once: the name of a step has 1 to {MAX_ONCE_NAME} characters; this one has {len(name)}")


def _memo(name: str, result: Any) -> str:
    encoded = encode(result)
    if len(encoded) > MAX_ONCE_RESULT_BYTES:
        raise ValueError(
            f"once: what {name!r} returned is {len(encoded)} bytes as JSON; at most {MAX_ONCE_RESULT_BYTES} are kept: "
            "return a reference"
        )
    return encoded.decode()
