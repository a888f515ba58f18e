"""The context: what a handler knows of its attempt, and how it speaks to whoever waits.

`Context` is for `async def` handlers, `SyncContext` for plain functions, which run in threads;
both are faces of one `Sink`, which the worker provides.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

import msgspec

from .codec import encode, encode_chunk, encode_progress

T = TypeVar("T")

MAX_NAME = 200
"""Characters in the name of a step that is done once."""

MAX_MEMO_BYTES = 65_536
"""Size of what such a step returns, as JSON: it is kept in the job's record."""


class Sink(Protocol):
    """Where an attempt's words go; the worker's side of a context. Belongs to the event loop."""

    token: str
    kind: str
    attempt: int
    correlation_id: str
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


class StoppedError(Exception):
    """The attempt is over (cancelled, timed out, taken over): the thread should end now."""


class _Face:
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
        """The caller's correlation id; empty if it gave none."""
        return self._sink.correlation_id

    @property
    def idempotency_key(self) -> str:
        """A key for calls downstream, the same in every attempt: the client's, or the job's token."""
        return self._sink.idempotency_key

    @property
    def cancelled(self) -> bool:
        """Whether someone asked that the job stop, or the job is no longer this worker's."""
        return self._sink.cancelled


class Context(_Face):
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


class SyncContext(_Face):
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

    def _wait(self, call: Coroutine[Any, Any, str]) -> str:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()

    async def _log(self, text: str) -> None:
        self._sink.log(text)
        await self._sink.room()

    def _check(self) -> None:
        if self._sink.cancelled:
            raise StoppedError("the attempt is over: it was cancelled, timed out, or is another worker's")


def _check_name(name: str) -> None:
    if not 1 <= len(name) <= MAX_NAME:
        raise ValueError(f"once: the name of a step has 1 to {MAX_NAME} characters; this one has {len(name)}")


def _memo(name: str, result: Any) -> str:
    encoded = encode(result)
    if len(encoded) > MAX_MEMO_BYTES:
        raise ValueError(
            f"once: what {name!r} returned is {len(encoded)} bytes as JSON; at most {MAX_MEMO_BYTES} are kept: "
            "return a reference"
        )
    return encoded.decode()
