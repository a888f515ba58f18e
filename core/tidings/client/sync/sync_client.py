"""The client without `await`: for scripts, and for back ends that have no event loop.

It is the asynchronous client in an event loop of its own, in a thread of its own; each call here hands one
over there and waits for it. An interruption of the wait (Ctrl-C, a time limit) cancels the call there too.
"""

import atexit
import os
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

from tidings.client.client import Client
from tidings.client.client_errors import ConnectionLost
from tidings.client.connection.connection_state import ClientState, StateChange
from tidings.client.connection.credential import CredentialSource
from tidings.client.handle import Handle
from tidings.client.submit.client_submission import ClientSubmission
from tidings.protocol.frames.listing_messages import ListedJob
from tidings.protocol.grants import IssuedGrant

from .loop_thread import LoopCalls, LoopClosedError, open_portal
from .sync_follow import SyncFollow
from .sync_handle import SyncHandle, SyncIterator
from .sync_submit_calls import SyncSubmitCalls

T = TypeVar("T")


class SyncClient(SyncSubmitCalls):
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
        self._calls: LoopCalls | None = None
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
            if self._calls is not None:
                raise ConnectionLost("this client has been opened before: make a new one")
            portal, calls = open_portal(stack, "tidings client")
            stack.enter_context(portal.wrap_async_context_manager(self._client))
            self._calls, self._stack, self._process = calls, stack.pop_all(), os.getpid()
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

    def send(self, submission: ClientSubmission) -> SyncHandle[Any]:
        """Submit what `submit` made of its arguments."""
        return self._hold(lambda: self._client.send(submission))

    def watch(self, token: str, after: int = 0, *, grant: CredentialSource | None = None) -> SyncHandle[Any]:
        """Return the handle of a job submitted elsewhere, or earlier.

        Args:
            token: its token.
            after: the last number seen; the log begins after it.
            grant: as for `Client.watch`; a callable is called in another thread than yours.

        Raises:
            ProblemError: there is no such job.
            ConnectionLost: the connection was closed for good.
            TimeoutError: no answer came in time.

        """
        return self._hold(lambda: self._client.watch(token, after, grant=grant))

    def grant(self, token: str | None = None, **wish: Any) -> IssuedGrant:
        """Return a grant for jobs of one's own.

        Args:
            token: the job.
            wish: as for `Client.grant`: `tokens`, `tag`, `owner`, `may`, `ttl`.

        Raises:
            ProblemError: there is no such job of one's own, or one may not do that oneself.
            ConnectionLost: the connection was closed for good.
            TimeoutError: no answer came in time.

        """
        return self._call(lambda: self._client.grant(token, **wish), self._timeout)

    def jobs(
        self, *, tag: str | None = None, kind: str | None = None, state: str | None = None, owner: str | None = None
    ) -> Iterator[ListedJob]:
        """Return an iterator over one's own jobs, the newest first; as `Client.jobs`."""
        return SyncIterator(
            self._call, lambda: self._client.jobs(tag=tag, kind=kind, state=state, owner=owner), self._timeout
        )

    def follow(self, *, tag: str, timeout: float | None = None) -> "SyncFollow":
        """Return an iterator over the handles of all jobs with a tag; as `Client.follow`.

        Args:
            tag: the tag.
            timeout: seconds that one step waits for a job, before it raises `TimeoutError`; None: as long as it takes.

        """
        return SyncFollow(self._call, self._client.follow(tag=tag), self._timeout, timeout)

    def _hold(self, ask: Callable[[], Awaitable[Handle[Any]]]) -> SyncHandle[Any]:
        return SyncHandle(self._call(ask, self._timeout), self._call, self._timeout)

    def _call(self, ask: Callable[[], Awaitable[T]], timeout: float | None) -> T:
        """Have something done in the client's thread, and wait for it.

        Raises:
            TimeoutError: it took longer than `timeout` seconds; it has been given up.
            ConnectionLost: the client is not open.

        """
        if self._calls is None:
            raise ConnectionLost("this client has not been opened: use it as `with SyncClient(…) as client:`")
        if self._process != os.getpid():
            raise ConnectionLost("this client was opened before a fork; open it in the process that uses it")
        try:
            answer = self._calls.start(ask)
            try:
                return answer.result(timeout)
            finally:
                answer.cancel()  # only does something if the waiting was interrupted
        except LoopClosedError:
            raise ConnectionLost("this client is closed") from None
