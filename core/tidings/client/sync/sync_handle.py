"""The handle of the client without `await`: each call waits for the client's event loop, in another thread."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from tidings.client.handle import Handle
from tidings.client.protocol.job_event import Event
from tidings.protocol.frames.messages import SnapshotFrame
from tidings.protocol.grants import IssuedGrant
from tidings.protocol.steps import Step

if TYPE_CHECKING:
    from tidings.client.handle import R_co
else:
    R_co = TypeVar("R_co", covariant=True)

T = TypeVar("T")


class ClientThreadCall(Protocol):
    """How things are done in the client's thread: see `SyncClient._call`."""

    def __call__(self, ask: Callable[[], Awaitable[T]], timeout: float | None, /) -> T:
        """Have something done there, and wait for it."""


class SyncIterator(Iterator[T]):
    """An asynchronous iterator's items, waited for one by one."""

    def __init__(
        self, call: ClientThreadCall, make: Callable[[], AsyncIterator[T]], timeout: float | None = None
    ) -> None:
        async def made() -> AsyncIterator[T]:
            return make()

        self._call = call
        self._timeout = timeout
        self._items = call(made, None)

    def __next__(self) -> T:
        """Return the next item.

        Raises:
            StopIteration: there are no more.
            TimeoutError: none came in time; asked again, it goes on waiting.

        """

        async def step() -> tuple[T] | None:
            try:
                return (await anext(self._items),)
            except StopAsyncIteration:
                return None

        found = self._call(step, self._timeout)
        if found is None:
            raise StopIteration
        return found[0]


class SyncHandle(Generic[R_co]):
    """One job, and its result of type R_co. `SyncClient` makes it, in `submit` and `watch`; any thread may use it."""

    def __init__(self, handle: Handle[R_co], call: ClientThreadCall, timeout: float) -> None:
        self._handle = handle
        self._call = call
        self._timeout = timeout

    def __repr__(self) -> str:
        return repr(self._handle)

    @property
    def token(self) -> str:
        """The job's token."""
        return self._handle.token

    @property
    def status(self) -> str:
        """The job's state as last heard."""
        return self._handle.status

    @property
    def duplicate(self) -> bool:
        """Whether the key was known, so that this is the earlier job."""
        return self._handle.duplicate

    @property
    def grant(self) -> IssuedGrant | None:
        """The grant that the submission asked for."""
        return self._handle.grant

    @property
    def progress(self) -> Any:
        """The newest progress: `fraction`, `message`, `data`."""
        return self._handle.progress

    @property
    def snapshot(self) -> SnapshotFrame | None:
        """The server's last snapshot, without the log."""
        return self._handle.snapshot

    @property
    def steps(self) -> list[Step]:
        """The steps of a saga as last heard, in the order of the program."""
        return self._handle.steps

    @property
    def seq(self) -> int:
        """Number of the newest event: what `SyncClient.watch` takes as `after`."""
        return self._handle.seq

    @overload
    def result(self, *, timeout: float | None = None) -> R_co: ...

    @overload
    def result(self, *, timeout: float | None = None, type: type[T]) -> T: ...

    def result(self, *, timeout: float | None = None, type: Any = None) -> Any:  # noqa: A002
        """Return the result when it comes.

        Args:
            timeout: seconds to wait at the most; None: as long as it takes.
            type: as for `Handle.result`.

        Raises:
            msgspec.ValidationError: the result is not of that type.
            JobFailed: it failed; `problem` says why.
            JobCancelled: it was cancelled.
            JobExpired: its deadline passed.
            NotWatched: the job is not followed here.
            ConnectionLost: the connection was closed for good.
            TimeoutError: it did not come in time; the job goes on.

        """
        return self._call(lambda: self._handle.result(type=type), timeout)

    def cancel(self) -> None:
        """Ask that the job stop; its events and `result` say how it ended.

        Raises:
            ProblemError: it has already finished.
            ConnectionLost: the connection was closed for good.
            TimeoutError: no answer came in time.

        """
        self._call(self._handle.cancel, self._timeout)

    def signal(self, name: str, value: Any = None, *, key: str | None = None) -> None:
        """Give a saga a signal; return when the server has it durably. The saga may come to wait for it later.

        Args:
            name: as for `Handle.signal`, like the others.
            value: what it says.
            key: idempotency key; None: a new one.

        Raises:
            ValueError: the name is none.
            TypeError: the value has no form in JSON.
            ProblemError: the job has finished, or the value is too large.
            ConnectionLost: the connection was closed for good.
            TimeoutError: no answer came in time. It may have been taken: to be sure, send it again with the `key`
                you gave.

        """
        self._call(lambda: self._handle.signal(name, value, key=key), self._timeout)

    def close(self) -> None:
        """Follow the job no more, as `Handle.close` says; the job itself goes on."""

        async def closed() -> None:
            self._handle.close()

        self._call(closed, self._timeout)

    def stream(self, name: str = "main", *, timeout: float | None = None) -> SyncIterator[Any]:
        """Return an iterator over the chunks of one of the job's streams; see `Handle.stream`.

        Args:
            name: the stream's.
            timeout: seconds that its `next` waits at the most, else TimeoutError; None: as long as it takes.

        """
        return SyncIterator(self._call, lambda: self._handle.stream(name), timeout)

    def __iter__(self) -> Iterator[Event]:
        """Return an iterator over the job's events, as the asynchronous handle gives them."""
        return self.events()

    def events(self, *, timeout: float | None = None) -> Iterator[Event]:
        """Return such an iterator whose `next` waits at most `timeout` seconds for an event, else TimeoutError."""
        return SyncIterator(self._call, self._handle.__aiter__, timeout)
