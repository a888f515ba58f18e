"""A handle: one job as its submitter holds it."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

import msgspec

from tidings.protocol.events import StreamEvent
from tidings.protocol.frames.messages import Ack, SnapshotFrame
from tidings.protocol.frames.stream_names import check_stream_name
from tidings.protocol.grants import IssuedGrant
from tidings.protocol.problems import Problem, ProblemError
from tidings.protocol.steps import Step

from .client_errors import ClientError, ConnectionLost, JobCancelled, JobExpired, JobFailed, NotWatched, ReaderTooSlow
from .protocol.job_event import Event
from .protocol.saga_steps import SagaSteps
from .protocol.tracked_job import TrackedJob
from .streams.chunk_reader import ChunkReader, StreamNews
from .streams.held_streams import HeldStreams
from .unread_buffer import UnreadBuffer

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    R_co = TypeVarWithDefault("R_co", covariant=True, default=Any)  # so that `Handle` alone is `Handle[Any]`
else:
    R_co = TypeVar("R_co", covariant=True)

T = TypeVar("T")

ReadResult = Callable[[Any], Any]
"""Makes of a result, as JSON gives it, what the handler's hint says."""

_STREAM_EVENTS = frozenset(StreamEvent)

MAX_UNREAD = 10_000
"""Events that are kept for an iterator that does not read them."""


class _EventReader(AsyncIterator[Event]):
    """One iterator. It may be cancelled while it waits, and be asked again: nothing is lost."""

    def __init__(self, token: str, seq: int) -> None:
        self._mail: UnreadBuffer[Event] = UnreadBuffer()
        self._token = token
        self._last = seq
        """Number of the last event that was put in."""
        self._progress: Event | None = None
        """The newest that was put in."""

    async def __anext__(self) -> Event:
        return await anext(self._mail)

    def put(self, event: Event) -> None:
        """Keep an event. Once much waits only the newest progress does; more than that is an error, not a gap."""
        if len(self._mail) >= MAX_UNREAD:
            self._mail.keep(lambda waiting: waiting.name != "progress" or waiting is self._progress)
        if len(self._mail) >= MAX_UNREAD:
            self._mail.end(ReaderTooSlow(self._token, self._last))
            return
        self._mail.put(event)
        self._last = event.seq
        if event.name == "progress":
            self._progress = event

    def end(self, error: Exception | None = None) -> None:
        """End after what waits."""
        self._mail.end(error)


class JobActions(Protocol):
    """The client, as far as a handle uses it."""

    async def cancel(self, job: TrackedJob) -> None:
        """Ask that a job stop."""

    async def signal(self, job: TrackedJob, name: str, value: Any, key: str | None) -> None:
        """Give a job a signal."""

    def forget(self, job: TrackedJob) -> None:
        """Follow a job no more."""


class _AlreadyDone(Awaitable[None]):
    """Something that is done already: it may be awaited, and need not be."""

    def __await__(self) -> Generator[Any, Any, None]:
        yield from ()


class Handle(Generic[R_co]):
    """One job, and its result of type R_co. Made by `Client.submit` and `Client.watch`."""

    def __init__(self, job: TrackedJob, actions: JobActions, read_result: ReadResult | None = None) -> None:
        self._job = job
        self._actions = actions
        self._read_result = read_result
        self._seen = job.seq
        """Number of the last event that iterators were given."""
        self._first: _EventReader | None = None
        self._readers: weakref.WeakSet[_EventReader] = weakref.WeakSet()
        self._done = asyncio.Event()
        self._end: Event | None = None
        self._error: Exception | None = None
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the server has acked the submit or answered the watch."""
        self.status: str = "unknown"
        """The job's state as last heard."""
        self.duplicate: bool = False
        """Whether the key was known, so that this is the earlier job."""
        self.grant: IssuedGrant | None = None
        """The grant that the submission asked for."""
        self.progress: Any = None
        """The newest progress: `fraction`, `message`, `data`."""
        self.snapshot: SnapshotFrame | None = None
        """The server's last snapshot, without the log: it comes after `Client.watch`, and after a break."""
        self._steps = SagaSteps()
        self._streams = HeldStreams()
        self._stream_news = StreamNews()

    def __repr__(self) -> str:
        return f"<job {self._job.token or '(not acked)'} {self.status}>"

    @property
    def token(self) -> str:
        """The job's token."""
        assert self._job.token is not None, "a handle is given out when the job has a token"
        return self._job.token

    @property
    def over(self) -> bool:
        """Whether nothing more comes: the job has ended, or is not followed here."""
        return self._done.is_set()

    @property
    def job(self) -> TrackedJob:
        """What the client's protocol keeps of it."""
        return self._job

    @property
    def steps(self) -> list[Step]:
        """The steps of a saga as last heard, in the order of the program.

        Steps known from events alone have neither input nor result: `Client.watch` asks the server for them.
        """
        return self._steps.in_order()

    @property
    def seq(self) -> int:
        """Number of the newest event: what `Client.watch` takes as `after`."""
        return self._seen

    @overload
    async def result(self, *, timeout: float | None = None) -> R_co: ...

    @overload
    async def result(self, *, timeout: float | None = None, type: type[T]) -> T: ...

    async def result(self, *, timeout: float | None = None, type: Any = None) -> Any:  # noqa: A002
        """Return the result when it comes.

        Args:
            timeout: seconds to wait at the most; None: as long as it takes.
            type: what to make of the JSON; None: what the `@job` says that was submitted; if it says nothing, or the
                job was submitted by its name: dicts, lists and the like.

        Raises:
            msgspec.ValidationError: the result is not of that type.
            JobFailed: it failed; `problem` says why.
            JobCancelled: it was cancelled.
            JobExpired: its deadline passed.
            NotWatched: the job is not followed here.
            ConnectionLost: the connection was closed for good.
            TimeoutError: it did not come in time; the job goes on.

        """
        async with asyncio.timeout(timeout):
            await self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._end is not None
        if self._end.name == "succeeded":
            found = self._end.data["result"]
            if type is None:
                return found if self._read_result is None else self._read_result(found)
            return msgspec.convert(found, type)
        raise _failure(self._end)

    async def cancel(self) -> None:
        """Ask that the job stop; its events and `result` say how it ended.

        While there is no connection the question waits for the next.

        Raises:
            ProblemError: it has already finished.
            ConnectionLost: the connection was closed for good.

        """
        await self._actions.cancel(self._job)

    async def signal(self, name: str, value: Any = None, *, key: str | None = None) -> None:
        """Give a saga a signal; return when the server has it durably. The saga may come to wait for it later.

        While there is no connection it waits for the next; sent twice, it counts once.

        Args:
            name: the name that the saga waits for: 1 to 128 letters, digits, `_`, `.` and `-`.
            value: what it says, anything that JSON has a form for, at most 64 KiB.
            key: idempotency key, 1 to 255 visible ASCII characters; signals of one name with the same key are the same
                signal. None: a new one.

        Raises:
            ValueError: the name is none.
            TypeError: the value has no form in JSON.
            ProblemError: the job has finished, or the value is too large.
            ConnectionLost: the connection was closed for good.

        """
        await self._actions.signal(self._job, name, value, key)

    def close(self) -> Awaitable[None]:
        """Follow the job no more; the job itself goes on.

        That gives one of the connection's watches back. What waits for the result gets `NotWatched`, iterators end with
        it after what they have not read yet; `cancel` and `signal` work on. Closing twice, or after the job has ended,
        does nothing. It is done at once: `await` is allowed, not needed.
        """
        if not self._done.is_set():
            self._actions.forget(self._job)
            self.fail(NotWatched(self.token))
        return _AlreadyDone()

    def stream(self, name: str = "main") -> ChunkReader:
        """Return a reader of one of the job's streams: `async for chunk in handle.stream("tokens")`.

        It gives every chunk, from the first (after `Client.watch` with `after`: from the first that came later) to the
        job's end, and raises `StreamReset` where chunks that it has given are void. What a generator yields is `main`.

        Raises:
            ValueError: no stream may have this name.

        """
        check_stream_name(name)
        return ChunkReader(name, self._streams.stream(name), self._stream_news)

    def __aiter__(self) -> AsyncIterator[Event]:
        """Return an iterator over the job's events but those of its streams, ending after the terminal one.

        The first iterator sees everything since the submit; each further one what comes after it began. No
        event but progress is ever skipped: an iterator left unread until `MAX_UNREAD` events wait raises
        `ReaderTooSlow` after those. One that a snapshot made up for after a break has no time (`at` is empty), and
        of its data only what the snapshot knows.
        """
        reader = self._first
        self._first = None
        return reader if reader is not None else self._new_reader()

    def _new_reader(self) -> _EventReader:
        reader = _EventReader(self.token, self._seen)
        self._readers.add(reader)
        if self._end is not None:
            reader.put(self._end)
        if self._done.is_set():
            reader.end(self._error)
        return reader

    # What the client calls.

    def look(self) -> None:
        """Take the news of the job."""
        news, self._job.news = self._job.news, []
        for one in news:
            match one:
                case Event():
                    self._event(one)
                case Problem():
                    self.fail(ProblemError(one))
                case Ack():
                    self.status, self.duplicate = one.status, one.duplicate
                    self.grant = one.grant or None
                    self._answer()
                    if not self._job.watched:
                        self.fail(NotWatched(one.token))
                case SnapshotFrame():
                    self.status = one.status
                    self.progress = msgspec.json.decode(one.progress)
                    self.snapshot = msgspec.structs.replace(one, log=[], streams=msgspec.UNSET)
                    self._steps.take_snapshot(one.steps)
                    self._streams.take_snapshot(one.streams)
                    self._stream_news.tell()
                    self._answer()

    def fail(self, error: Exception) -> None:
        """End it with an error."""
        if not self.answered.done():
            self.answered.set_exception(error)
            self.answered.exception()  # marks it as seen: without a waiter asyncio would log it as lost
        if not self._done.is_set():
            self._error = error
            self._finish()

    def _answer(self) -> None:
        if not self.answered.done():
            self._first = self._new_reader()
            self.answered.set_result(None)

    def _event(self, event: Event) -> None:
        self.status = event.status
        if event.name in _STREAM_EVENTS:
            self._seen = event.seq
            self._streams.take_event(event.name, event.data)
            self._stream_news.tell()
            return
        if event.name == "progress":
            self.progress = event.data
        elif event.name == "step":
            self._steps.apply_event(event)
        if event.final:
            self._end = event
        self._seen = event.seq
        for reader in list(self._readers):
            reader.put(event)
        if event.final:
            self._finish()

    def _finish(self) -> None:
        self._done.set()
        self._stream_news.over, self._stream_news.error = True, self._error
        self._stream_news.tell()
        for reader in list(self._readers):
            reader.end(self._error)


def _failure(end: Event) -> ClientError | JobFailed:
    match end.name:
        case "failed":
            return JobFailed(msgspec.convert(end.data["problem"], Problem))
        case "cancelled":
            return JobCancelled("the job was cancelled")
        case "expired":
            return JobExpired("the job's deadline passed before it finished")
    return ConnectionLost(f"the job ended in a way this client does not know: {end.name}")
