"""The context: what a handler knows of its attempt, and how it reports to the clients that watch its job.

`Context` is for `async def` handlers, `SyncContext` (`sync_context.py`) for plain functions, which run in threads and
processes. Both use one `Sink`, which the worker provides.
"""

import asyncio
import inspect
import time
import typing
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import msgspec

from tidings.circuit.breaker import Breaker
from tidings.circuit.call_guard import CallGuard, CallPermits
from tidings.saga.orchestrator import Orchestrator, key_of_step
from tidings.saga.question import question_text
from tidings.saga.step_calls import HandlerContext, StepCalls
from tidings.saga.step_errors import SagaUseError
from tidings.schema.codec import encode_chunk, encode_progress
from tidings.seconds import Duration, seconds_of
from tidings.streams.job_stream import JobStream
from tidings.streams.stream_errors import StreamError
from tidings.streams.written_stream import AttemptStreams

from .once_results import check_once_name, once_result_json

T = TypeVar("T")

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultedTypeVar

    class UntypedState:
        """The state of a handler that names no type for it: type checkers know nothing of its attributes.

        `Any` would do, but of a call with an argument of type `Any` mypy does not know which overload it matches.
        """

        def __getattr__(self, name: str) -> Any: ...

    StateT_co = DefaultedTypeVar("StateT_co", covariant=True, default=UntypedState)
    """What the lifespan of the job's module yields."""
else:
    # `typing.TypeVar` knows defaults from Python 3.13 on. They mean nothing at run time.
    StateT_co = TypeVar("StateT_co", covariant=True)


class Sink(CallPermits, Protocol):
    """The worker's side of a context: it takes what a handler reports. It belongs to the event loop."""

    token: str
    kind: str
    attempt: int
    correlation_id: str
    owner: str
    tags: tuple[str, ...]
    traceparent: str
    idempotency_key: str
    cancelled: bool
    max_chunk_bytes: int
    max_stream_bytes: int

    def progress(self, data: str) -> None:
        """Take the newest progress, as JSON text."""

    def log(self, chunk: str) -> None:
        """Take a log chunk, as JSON text."""

    async def room(self) -> None:
        """Return when it can take more chunks, of the log and of streams: back-pressure from the store."""

    @property
    def streams(self) -> AttemptStreams:
        """The streams that the handler has opened."""
        raise StreamError("no attempt runs here that could write streams")

    @property
    def streams_with_steps(self) -> AttemptStreams:
        """The streams that a handler which takes steps has opened."""
        raise StreamError("no attempt runs here that could take steps")

    def write_chunk(self, stream: str, index: int, text: str, size: int) -> None:
        """Take a chunk of a stream, as JSON text; size: what it counts, bytes."""

    def keep_chunks(self, stream: str, kept: int, size: int) -> None:
        """Have the attempt take a stream over, with the first chunks of what an earlier attempt said."""

    async def earlier_chunks(self, stream: str) -> list[str]:
        """Return what an earlier attempt said in a stream, as JSON texts."""

    async def recall(self, name: str) -> str:
        """Return the JSON text that this attempt or an earlier one recorded under a name; empty: none did."""

    async def record(self, name: str, value: str) -> str:
        """Record JSON text under a name, durably, and return the first record of that name."""

    def breaker(self, breaker: str | Breaker) -> Breaker:
        """Return the breaker itself, or for a name alone the definition that the worker has under it."""

    @property
    def saga(self) -> Orchestrator:
        """The orchestrator that takes the steps of an `async def` handler."""
        raise SagaUseError("only a handler that is `async def` takes steps, in a worker")

    @property
    def state(self) -> Any:
        """What the lifespan of the job's module yielded.

        Raises:
            LookupError: there is none.

        """
        raise LookupError("ctx.state: no lifespan has been entered here")


class ContextBase(HandlerContext, Generic[StateT_co]):
    """What both contexts know of the attempt."""

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
        """The client's correlation id, or the token if it gave none; a child of a saga has its parent's."""
        return self._sink.correlation_id

    @property
    def owner(self) -> str:
        """Whose job it is; empty: a server without authentication took it, or a schedule made it.

        The server has checked it, so an input need not say it. A child of a saga has its saga's.
        """
        return self._sink.owner

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags with which the job was submitted."""
        return self._sink.tags

    @property
    def traceparent(self) -> str:
        """W3C Trace Context for calls downstream: of this attempt if the worker traces it, else the client's or empty.

        With traces switched on, OpenTelemetry's own context holds the same; inside a step it holds the step's span.
        """
        return self._sink.traceparent

    @property
    def idempotency_key(self) -> str:
        """A key for calls downstream, the same in every attempt: the client's, or the job's token.

        Inside a step and inside its undo function it is the step's own: the token and the step's place in the program.
        """
        return key_of_step.get() or self._sink.idempotency_key

    @property
    def cancelled(self) -> bool:
        """Whether the attempt must end: a client cancelled the job, or another worker has it, for example."""
        return self._sink.cancelled

    @property
    def state(self) -> StateT_co:
        """What the lifespan of the job's module yielded: the object itself, which all jobs of the process share.

        `ctx: Context[Resources]` gives it a type. The state is that of the lifespan in the module of the handler, else
        of the lifespan in the module that the worker was given; if the worker serves only one lifespan, of that one.

        Raises:
            LookupError: no lifespan is the job's: the worker serves none, or several in other modules.

        """
        state: StateT_co = self._sink.state
        return state


STRETCH_S = 0.001
"""A handler that reports progress yields to the event loop after it has worked for so long."""


class Context(ContextBase[StateT_co], StepCalls):
    """The context of an `async def` handler."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._stretch_began = time.monotonic()
        """When the handler last began a stretch that `progress` knows of: it may have waited since for other things."""

    async def progress(
        self,
        done: float | None,
        total: float | None = None,
        message: str | None = None,
        data: Any = None,
    ) -> None:
        """Report how far the work is. The newest report wins: clients that watch get at most 20 a second.

        A report leaves when the handler next awaits something, or reports after it has worked for a millisecond: a
        handler that blocks the event loop after it has reported keeps its reports too.

        Args:
            done: the fraction done, 0 to 1; with `total`, how much of it is done; None: unknown.
            total: how much there is to do, in any unit, above 0.
            message: a few words for people.
            data: any JSON value, such as a partial result.

        Raises:
            ValueError: the numbers make no fraction, or the report is larger than a chunk may be.
            TypeError: JSON has no form for `data`.

        """
        self._sink.progress(encode_progress(done, total, message, data, self._sink.max_chunk_bytes))
        # A handler that only works and reports must let the loop send what it said, and do its other work. To yield
        # in each call would make a message of each report.
        if time.monotonic() - self._stretch_began >= STRETCH_S:
            await asyncio.sleep(0)
            self._stretch_began = time.monotonic()

    async def log(self, chunk: Any) -> None:
        """Add a chunk to the job's log. Clients get every chunk, in order.

        Args:
            chunk: any JSON value, at most `max_chunk_bytes` when encoded (64 KiB by default).

        Raises:
            ValueError: it is larger than that.
            TypeError: JSON has no form for it.

        """
        self._sink.log(encode_chunk(chunk, self._sink.max_chunk_bytes))
        await self._sink.room()

    def stream(self, name: str, *, with_steps: bool = False) -> JobStream:
        """Return a stream of the job: `await ctx.stream("tokens").write("Hel")` adds a chunk to a part of the answer.

        Clients get every chunk, in order, and never those of two attempts as one. The store keeps a stream as long as
        the result. A generator yields to the stream `main`.

        Args:
            name: 1 to 64 letters, digits, `_`, `.` and `-`.
            with_steps: whether the handler takes steps too. Then it runs again from its first line, and has to see to
                it itself that it says nothing twice, by `earlier` and `keep`, as `tidings.ai.AgentWriter` does.

        Raises:
            ValueError: no stream may have this name, or the job has 32.
            SagaUseError: the handler takes steps, and the stream was opened without `with_steps`, or the other way
                about.

        """
        streams = self._sink.streams_with_steps if with_steps else self._sink.streams
        return JobStream(streams.open(name), self._sink)

    async def once(self, name: str, function: Callable[[], Awaitable[T] | T]) -> T:
        """Call a function once for the job, however many attempts the job takes, and return its result.

        The store keeps the result with the job before `once` returns. A later attempt gets that result and does not
        call `function`. A worker that is killed after `function` has done its work, but before the store has the
        result, leaves the work without a record: give the call downstream `idempotency_key` too. Calls under one name
        must follow each other: two at the same time both call their functions.

        Args:
            name: identifies the result within the job, 1 to 200 characters.
            function: takes no arguments; plain, or a coroutine function. The store keeps no error that it raises.

        Returns:
            The result of `function` after a round trip through JSON: a tuple is a list, in every attempt.

        Raises:
            ValueError: the name, or the result as JSON (64 KiB), is too long.
            TypeError: JSON has no form for the result.

        """
        check_once_name(name)
        known = await self._sink.recall(name)
        if not known:
            result = function()
            value = once_result_json(name, await result if inspect.isawaitable(result) else result)
            known = await self._sink.record(name, value)
        decoded: T = msgspec.json.decode(known)
        return decoded

    def breaker(self, breaker: str | Breaker) -> CallGuard:
        """Return a block around a call of a service: `async with ctx.breaker("payments"): …`.

        The breaker counts the errors that the block raises, and the time it takes. An open breaker does not let the
        handler into the block: entering raises `CircuitOpenError`. If the handler does not catch that error, the job
        uses no attempt; it waits, or fails, as the breaker's `when_open` says.

        Args:
            breaker: a name, or a `Breaker`.

        Raises:
            CircuitOpenError: (on entering) the breaker is open.
            ValueError: no breaker may have this name.

        """
        return CallGuard(self._sink, self._sink.breaker(breaker))

    # Sagas: the worker does each step once for the job, however often the handler runs. After a crash, a wait or a
    # deploy the handler runs again from its first line, and the steps it has taken return their results from the
    # journal at once. So the handler must take the same steps in the same order in every run: it may decide only by
    # its input and by results of steps. A step gets its number when the handler calls the method, and the worker does
    # it when the handler awaits what the method returned.

    @property
    def _orchestrator(self) -> Orchestrator:
        return self._sink.saga

    def gather(self, *branches: Awaitable[Any], return_exceptions: bool = False) -> Awaitable[list[Any]]:
        """Take steps beside each other: steps, or coroutines that take steps.

        Args:
            branches: each is a branch of its own. `gather` waits for all of them, even when one fails.
            return_exceptions: return the error that a branch raised in the place of its result.

        Returns:
            An awaitable of their results, in order.

        Raises:
            SagaUseError: as for `step`.
            Exception: (when awaited) the error of the first branch, in order, that raised one.

        """
        return self._sink.saga.gather(branches, return_exceptions)

    def signal(self, name: str, *, timeout: Duration | None = None, ask: str = "", answer: Any = str) -> Awaitable[Any]:
        """Wait for a signal from a client (`job.signal(name, value)`), which may have sent it before.

        `ask` and `answer` say what a client may ask its user: one of the Model Context Protocol shows the question with
        a form. What the user enters is the signal's value; null, where the user declines.

        Args:
            name: 1 to 128 letters, digits, `_`, `.` and `-`. The second wait for a name takes its second signal.
            timeout: seconds to wait, or a `timedelta`; None: as long as the job lives.
            ask: the question, at most 2,000 characters; empty: clients know what the signal is about.
            answer: the type of the answer: `str`, `bool`, a number, a choice (`Literal`, `Enum`), or a dataclass or the
                like with such fields. The worker does not check by it what clients send.

        Returns:
            An awaitable of the value that the client sent.

        Raises:
            SagaUseError: as for `step`.
            ValueError: the name, the time or the length of the question is not allowed.
            TypeError: `timeout` is no duration, or a form has no field for the type of the answer.
            SignalTimeout: (when awaited) the signal did not come in time; a `StepError` and a `TimeoutError`.

        """
        what = f"signal {name!r}: timeout"
        limit = None if timeout is None else seconds_of(what, timeout, above=True, most_word="a year")
        return self._sink.saga.signal(name, limit, question_text(name, ask, answer))

    def sleep(self, seconds: Duration = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> Awaitable[None]:
        """Wait; for more than a second the saga leaves its worker. The end is fixed when the wait begins.

        Args:
            seconds: from 0, or a `timedelta`. The four times add up, to at most a year.
            minutes: from 0.
            hours: from 0.
            days: from 0.

        Returns:
            An awaitable of None.

        Raises:
            SagaUseError: as for `step`.
            ValueError: the time is below 0, or above a year.
            TypeError: one of the times is no number.

        """
        parts = (("seconds", seconds, 1), ("minutes", minutes, 60), ("hours", hours, 3_600), ("days", days, 86_400))
        total = sum(seconds_of(f"sleep: {name}", value, most_word="a year") * unit for name, value, unit in parts)
        return self._sink.saga.sleep(seconds_of("sleep: the time", total, most_word="a year"))


def is_context(hint: Any, *classes: type) -> bool:
    """Return whether a hint is one of some classes of contexts, with or without the type of its state."""
    return (typing.get_origin(hint) or hint) in classes
