"""The client without `await`: for scripts, and for back ends that have no event loop.

It is the asynchronous client in an event loop of its own, in a thread of its own; each call here hands one
over there and waits for it. An interruption of the wait (Ctrl-C, a time limit) cancels the call there too.
"""

import atexit
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, overload

from anyio.from_thread import BlockingPortal, start_blocking_portal

from tidings.protocol.messages import SnapshotFrame
from tidings.protocol.steps import Step

from .client import Client
from .client_errors import ConnectionLost
from .connection.connection_state import ClientState, StateChange
from .connection.credential import CredentialSource
from .handle import Handle
from .protocol.job_event import Event
from .submit_options import SubmitOptions

T = TypeVar("T")


class SyncClient:
    """`Client` without `await`; use it as `with`, or `open` and `close` it. Any thread may call it.

    Do not call it from a coroutine: it would hold up the event loop that runs it. There, use `Client`. Nor
    does it survive a fork: open it in the process that uses it.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        credential: CredentialSource | None = None,
        wait: float = 0.0,
        connect_timeout: float = 10.0,
        timeout: float = 30.0,
    ) -> None:
        """Prepare; `with` or `open` connects.

        Args:
            url: as for `Client`.
            credential: as for `Client`; a callable is called in another thread than yours.
            wait: as for `Client`.
            connect_timeout: as for `Client`.
            timeout: seconds that `submit`, `watch` and `cancel` wait for their answer at the most, which may be
                long in coming while the connection is broken.

        Raises:
            ConnectionFailed: `url` is not an address of a server.

        """
        self._client = Client(url, credential=credential, wait=wait, connect_timeout=connect_timeout)
        self._timeout = timeout
        self._opening = threading.Lock()
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None
        self._process = 0
        """The process that opened it: a fork has no copy of its thread."""

    def __repr__(self) -> str:
        return f"<sync {repr(self._client)[1:]}"

    def open(self) -> None:
        """Connect.

        Raises:
            ConnectionFailed: no server answers, or it does not accept the credential.
            ConnectionLost: this client has been opened before.

        """
        with self._opening, ExitStack() as stack:
            if self._portal is not None:
                raise ConnectionLost("this client has been opened before: make a new one")
            portal = stack.enter_context(start_blocking_portal("asyncio", name="tidings client"))
            stack.enter_context(portal.wrap_async_context_manager(self._client))
            self._portal, self._stack, self._process = portal, stack.pop_all(), os.getpid()
        # A program that ends without closing it would wait for a thread that no longer runs.
        atexit.register(self.close)

    def close(self) -> None:
        """Disconnect for good; calls that wait raise `ConnectionLost`. Closing twice is no mistake."""
        atexit.unregister(self.close)
        if self._process == os.getpid():
            self._stack.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The server's address."""
        return self._client.url

    @property
    def features(self) -> frozenset[str]:
        """What the server takes beyond version 1 as it was first described."""
        return self._client.features

    @property
    def state(self) -> ClientState:
        """The state of the connection."""
        return self._client.state

    def states(self) -> Iterator[StateChange]:
        """Return an iterator over the present state and each later change, ending after `closed`."""
        return SyncIterator(self._call, self._client.states)

    def submit(
        self,
        kind: str,
        input: Mapping[str, Any] | Any = None,  # noqa: A002 - the contract's word
        /,
        *,
        options: SubmitOptions | None = None,
        watch: bool | None = None,
        **fields: Any,
    ) -> "SyncHandle":
        """Submit work, and return its handle when the server has acked it.

        Args:
            kind: as for `Client.submit`, like the others.
            input: what it takes.
            options: key, delay, deadline and the like.
            watch: whether the handle follows the job.
            fields: the fields of the input.

        Raises:
            ProblemError: it was refused; `problem` says why.
            TypeError: the input has no form in JSON; or fields and options are mixed.
            ConnectionLost: the connection was closed for good, or this client was not opened.
            TimeoutError: no answer came in time. It may have been taken: to be sure, submit again with the
                `key` you gave.

        """
        return self._hold(lambda: self._client.submit(kind, input, options=options, watch=watch, **fields))

    def watch(self, token: str, after: int = 0) -> "SyncHandle":
        """Return the handle of a job submitted elsewhere, or earlier.

        Args:
            token: its token.
            after: the last number seen; the log begins after it.

        Raises:
            ProblemError: there is no such job.
            ConnectionLost: the connection was closed for good.
            TimeoutError: no answer came in time.

        """
        return self._hold(lambda: self._client.watch(token, after))

    def _hold(self, ask: Callable[[], Awaitable[Handle]]) -> "SyncHandle":
        return SyncHandle(self._call(ask, self._timeout), self._call, self._timeout)

    def _call(self, ask: Callable[[], Awaitable[T]], timeout: float | None) -> T:
        """Have something done in the client's thread, and wait for it.

        Raises:
            TimeoutError: it took longer than `timeout` seconds; it has been given up.
            ConnectionLost: the client is not open.

        """
        if self._portal is None:
            raise ConnectionLost("this client has not been opened: use it as `with SyncClient(…) as client:`")
        if self._process != os.getpid():
            raise ConnectionLost("this client was opened before a fork; open it in the process that uses it")
        try:
            answer = self._portal.start_task_soon(ask)
        except RuntimeError:
            raise ConnectionLost("this client is closed") from None
        try:
            return answer.result(timeout)
        finally:
            answer.cancel()  # only does something if the waiting was interrupted


class _Call(Protocol):
    """How things are done in the client's thread: see `SyncClient._call`."""

    def __call__(self, ask: Callable[[], Awaitable[T]], timeout: float | None, /) -> T: ...


class SyncIterator(Iterator[T]):
    """An asynchronous iterator's items, waited for one by one."""

    def __init__(self, call: _Call, make: Callable[[], AsyncIterator[T]], timeout: float | None = None) -> None:
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


class SyncHandle:
    """One job. Made by `SyncClient.submit` and `SyncClient.watch`; any thread may use it."""

    def __init__(self, handle: Handle, call: _Call, timeout: float) -> None:
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
    def result(self, *, timeout: float | None = None) -> Any: ...

    @overload
    def result(self, *, timeout: float | None = None, type: type[T]) -> T: ...

    def result(self, *, timeout: float | None = None, type: Any = None) -> Any:  # noqa: A002
        """Return the result when it comes.

        Args:
            timeout: seconds to wait at the most; None: as long as it takes.
            type: what to make of the JSON; None: dicts, lists and the like.

        Raises:
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

    def __iter__(self) -> Iterator[Event]:
        """Return an iterator over the job's events, as the asynchronous handle gives them."""
        return self.events()

    def events(self, *, timeout: float | None = None) -> Iterator[Event]:
        """Return such an iterator whose `next` waits at most `timeout` seconds for an event, else TimeoutError."""
        return SyncIterator(self._call, self._handle.__aiter__, timeout)
