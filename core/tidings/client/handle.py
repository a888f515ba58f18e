"""A handle: one job as its submitter holds it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar, overload

import msgspec

from tidings.contract.frame import Ack, SnapshotFrame
from tidings.contract.problem import Problem, ProblemError

from .error import ClientError, ConnectionLost, JobCancelled, JobExpired, JobFailed
from .ledger import Event, Track

T = TypeVar("T")

MAX_UNREAD = 10_000
"""Events kept for an iterator that does not come to read them; beyond that the oldest are dropped."""


class _Reader:
    """What one iterator has not read yet."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()
        self.arrived = asyncio.Event()

    def put(self, event: Event) -> None:
        """Keep an event; of progress in a row only the newest once much waits."""
        if len(self.events) >= MAX_UNREAD:
            self.events.popleft()
        self.events.append(event)
        self.arrived.set()


class Handle:
    """One job. Made by `Client.submit` and `Client.watch`."""

    def __init__(self, track: Track, cancel: Callable[[Track], Awaitable[None]]) -> None:
        self._track = track
        self._cancel = cancel
        self._first: _Reader | None = _Reader()
        self._readers: list[_Reader] = [self._first]
        self._done = asyncio.Event()
        self._end: Event | None = None
        self._error: Exception | None = None
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the server has acked the submit or answered the watch."""
        self.status = "unknown"
        """The job's state as last heard."""
        self.duplicate = False
        """Whether the key was known, so that this is the earlier job."""
        self.progress: Any = None
        """The newest progress: `fraction`, `message`, `data`."""

    def __repr__(self) -> str:
        return f"<job {self._track.token or '(not acked)'} {self.status}>"

    @property
    def token(self) -> str:
        """The job's token."""
        assert self._track.token is not None, "a handle is given out when the job has a token"
        return self._track.token

    @overload
    async def result(self, *, timeout: float | None = None) -> Any: ...

    @overload
    async def result(self, *, timeout: float | None = None, type: type[T]) -> T: ...

    async def result(self, *, timeout: float | None = None, type: Any = None) -> Any:  # noqa: A002
        """Return the result when it comes.

        Args:
            timeout: seconds to wait at the most; None: as long as it takes.
            type: what to make of the JSON; None: dicts, lists and the like.

        Raises:
            JobFailed: it failed; `problem` says why.
            JobCancelled: it was cancelled.
            JobExpired: its deadline passed.
            ConnectionLost: the socket was closed for good.
            TimeoutError: it did not come in time; the job goes on.

        """
        async with asyncio.timeout(timeout):
            await self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._end is not None
        if self._end.name == "succeeded":
            found = self._end.data["result"]
            return found if type is None else msgspec.convert(found, type)
        raise _failure(self._end)

    async def cancel(self) -> None:
        """Ask that the job stop; how it ended is told by its events and by `result`.

        Raises:
            ProblemError: it has already finished.
            ConnectionLost: the question got no answer; ask again.

        """
        await self._cancel(self._track)

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield the job's events, ending after the terminal one.

        The first iterator sees everything since the submit; each further one what comes after it began.
        """
        reader = self._first or self._new_reader()
        self._first = None
        try:
            while True:
                while reader.events:
                    event = reader.events.popleft()
                    yield event
                    if event.final:
                        return
                if self._done.is_set():
                    if self._error is not None:
                        raise self._error
                    return
                reader.arrived.clear()
                await reader.arrived.wait()
        finally:
            self._readers.remove(reader)

    def _new_reader(self) -> _Reader:
        reader = _Reader()
        if self._end is not None:
            reader.put(self._end)
        self._readers.append(reader)
        return reader

    # What the client tells.

    def look(self) -> None:
        """Take the news of the job."""
        news, self._track.news = self._track.news, []
        for one in news:
            match one:
                case Event():
                    self._event(one)
                case Problem():
                    self.fail(ProblemError(one))
                case Ack():
                    self.status, self.duplicate = one.status, one.duplicate
                    self._answer()
                case SnapshotFrame():
                    self.status = one.status
                    self.progress = msgspec.json.decode(one.progress)
                    self._answer()

    def fail(self, error: Exception) -> None:
        """End it with an error."""
        if not self.answered.done():
            self.answered.set_exception(error)
        if not self._done.is_set():
            self._error = error
            self._finish()

    def _answer(self) -> None:
        if not self.answered.done():
            self.answered.set_result(None)

    def _event(self, event: Event) -> None:
        self.status = event.status
        if event.name == "progress":
            self.progress = event.data
        if event.final:
            self._end = event
        for reader in self._readers:
            reader.put(event)
        if event.final:
            self._finish()

    def _finish(self) -> None:
        self._done.set()
        for reader in self._readers:
            reader.arrived.set()


def _failure(end: Event) -> ClientError | JobFailed:
    match end.name:
        case "failed":
            return JobFailed(msgspec.convert(end.data["problem"], Problem))
        case "cancelled":
            return JobCancelled("the job was cancelled")
        case "expired":
            return JobExpired("the job's deadline passed before it finished")
    return ConnectionLost(f"the job ended in a way this client does not know: {end.name}")
