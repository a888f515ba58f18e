"""The client that programs use: it joins the protocol, which does no I/O, with a lasting connection."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from tidings.protocol.frames.listing_messages import ListedJob
from tidings.protocol.grants import GrantAct, IssuedGrant
from tidings.protocol.random_text import random_text
from tidings.schema.codec import encode

from . import current_span
from .call_retries import CallRetries
from .client_errors import ConnectionFailed, ConnectionLost
from .client_follows import ClientFollows
from .client_tasks import ClientTasks
from .command_calls import CommandCalls
from .connection.address import DEFAULT_URL
from .connection.client_transport import ClientTransport
from .connection.connection import PersistentConnection
from .connection.connection_state import ClientState, StateChange
from .connection.credential import Credential, CredentialSource, credential_of_environment
from .connection.reconnect_delay import ABNORMAL, SocketEnd
from .follow_reader import FollowReader
from .grant_renewal import GrantRenewal
from .handle import Handle, ReadResult
from .job_pages import list_jobs
from .network_transport import NetworkTransport
from .protocol.client_protocol import ClientProtocol
from .protocol.tracked_job import TrackedJob
from .submit.client_submission import ClientSubmission
from .submit.submit_calls import SubmitCalls
from .submit.submit_options import option_fields


class Client(SubmitCalls):
    """A client of one server (or of several behind one address); use it as `async with`.

    It comes back after a break by itself, and goes on where it was. While there is no connection, what is
    asked waits. For programs without an event loop there is `SyncClient`.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        credential: CredentialSource | None = None,
        wait: float = 0.0,
        connect_timeout: float = 10.0,
        transport: ClientTransport | None = None,
    ) -> None:
        """Prepare; `async with` connects.

        Args:
            url: `http(s)://` or `ws(s)://`; None: `TIDINGS_URL`, else http://127.0.0.1:8700.
            credential: an API key or a JWT, or a callable, plain or async, that returns one; it is called before
                each connection and when the credential is about to run out, a plain one in a thread. None:
                `TIDINGS_CREDENTIAL`, of which `@FILE` names a file that is read at each of these times; else none.
            wait: seconds to go on trying until the first connection stands; 0: the first failure is raised at once.
                A connection that has stood is always tried again.
            connect_timeout: seconds that one try may take.
            transport: what reaches the server, in place of the network; see `tidings_server.local_client`.

        Raises:
            ConnectionFailed: `url` is not an address of a server.

        """
        if transport is None:
            transport = NetworkTransport(url or os.environ.get("TIDINGS_URL") or DEFAULT_URL)
        self.url: str = transport.url
        """The address of the server."""
        self._transport = transport
        self._wait = wait
        self._connect_timeout = connect_timeout
        self._credential = Credential(credential or credential_of_environment())
        self._protocol = ClientProtocol()
        self._connection = PersistentConnection(
            transport, self._protocol, self._credential, self, connect_timeout_s=connect_timeout
        )
        self._handles: dict[TrackedJob, Handle[Any]] = {}
        self._commands = CommandCalls(self._protocol, self._check_open, self.on_news, self.forget)
        self._tasks = ClientTasks()
        self._follows = ClientFollows(self._protocol, self._commands, self._tasks.start, self.on_news)
        self._renewal = GrantRenewal(connect_timeout)
        self._retries = CallRetries(self._protocol, self._renewal, self._tasks.start, self.on_news)
        self._end: SocketEnd | None = None

    def __repr__(self) -> str:
        return f"<client of {self.url} {self.state}>"

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            ConnectionFailed: no server answers, or it does not accept the credential.
            ConnectionLost: this client has been opened before.

        """
        if self._tasks.opened:
            raise ConnectionLost("this client has been opened before: make a new one")
        await self._tasks.open()
        self._tasks.start(self._connection.run(self._wait), "tidings client")
        try:
            await self._connection.opened.wait()
        except BaseException:
            await self._close()
            raise
        if self._end is not None:
            await self._tasks.close()
            raise ConnectionFailed(_failure(self.url, self._end)) from self._end.error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        current_span: TracebackType | None,
    ) -> None:
        await self._close()

    @property
    def state(self) -> ClientState:
        """The state of the connection."""
        return self._connection.state

    def states(self) -> AsyncIterator[StateChange]:
        """Return an iterator over the present state and each later change, ending after `closed`."""
        return self._connection.states.follow()

    async def send(self, submission: ClientSubmission) -> Handle[Any]:
        """Submit what `submit` made of its arguments; see there."""
        said = option_fields(submission.options, submission.watch, submission.grant, submission.owner)
        said.setdefault("key", random_text())
        if "traceparent" not in said:
            said |= current_span.current_trace()
        frame = {"kind": submission.kind, "input": msgspec.Raw(encode(submission.input)), **said}
        return await self._follow(lambda: self._protocol.submit(frame), submission.read_result)

    async def watch(self, token: str, after: int = 0, *, grant: CredentialSource | None = None) -> Handle[Any]:
        """Return the handle of a job submitted elsewhere, or earlier.

        Args:
            token: its token.
            after: the last number seen; the log begins after it.
            grant: a grant for the job, where the client's credential does not open it; or a callable, plain or async,
                that returns one. It is called now, at each connection and when the last grant is about to run out.

        Raises:
            ProblemError: there is no such job, or nothing opens it.
            ConnectionLost: the connection was closed for good, or this client was not opened.
            ConnectionFailed: `grant` gives no text that can be sent.

        """
        if grant is None:
            return await self._follow(lambda: self._protocol.watch(token, after))
        grants, first = await self._renewal.first(grant)

        def ask() -> TrackedJob:
            job = self._protocol.watch(token, after, first)
            self._renewal.keep(job, grants)
            return job

        return await self._follow(ask)

    async def grant(
        self,
        token: str | None = None,
        *,
        tokens: Sequence[str] | None = None,
        tag: str | None = None,
        owner: str | None = None,
        may: tuple[GrantAct, ...] = ("watch",),
        ttl: float | None = None,
    ) -> IssuedGrant:
        """Return a grant for jobs of one's own, whose bearer may do what it allows.

        Args:
            token: the job.
            tokens: several jobs instead, such as those of a batch.
            tag: all jobs with this tag instead, those that are yet to be submitted among them.
            owner: with `tag`, for administrators: whose jobs.
            may: what it allows: some of `watch`, `cancel`, `signal`.
            ttl: for how many seconds; None: 900.

        Raises:
            ProblemError: there is no such job of one's own, or one may not do that oneself.
            ConnectionLost: the connection was closed for good, or this client was not opened.

        """
        return await self._commands.grant(may, ttl, token=token, tokens=tokens, tag=tag, owner=owner)

    def jobs(
        self, *, tag: str | None = None, kind: str | None = None, state: str | None = None, owner: str | None = None
    ) -> AsyncIterator[ListedJob]:
        """Return an iterator over one's own jobs, the newest first, read page by page.

        It raises `ProblemError` where the server refuses, and `ConnectionLost` where none answers.

        Args:
            tag: only those with this tag.
            kind: only those of this kind.
            state: only those in this state.
            owner: whose, where they are not the caller's: wants the scope `admin`.

        """
        query = {"tag": tag, "kind": kind, "state": state, "owner": owner}
        return list_jobs(self._transport.read_page, lambda: self._credential.fetch(self._connect_timeout), query)

    def follow(self, *, tag: str) -> FollowReader:
        """Return an iterator over the handles of all jobs with a tag: those that live, then each that is submitted.

        After a break the client follows on, with the jobs that ended meanwhile. `close` it, or use it as `async with`.
        """
        return self._follows.reader(tag)

    @property
    def features(self) -> frozenset[str]:
        """What the server takes beyond version 1 as first described, by its last greeting: see `Hello.features`."""
        return self._connection.features

    # Asking.

    def _check_open(self) -> None:
        """Refuse a call that would wait for ever, because no connection will come."""
        if not self._tasks.opened:
            raise ConnectionLost("this client has not been opened: use it as `async with Client(…) as client:`")
        if self._end is not None:
            raise ConnectionLost(_loss(self._end))

    async def _follow(self, ask: Callable[[], TrackedJob], read_result: ReadResult | None = None) -> Handle[Any]:
        self._check_open()
        job = ask()
        handle = self._handles[job] = Handle(job, self._commands, read_result)
        self.on_news()
        try:
            await asyncio.shield(handle.answered)
        except asyncio.CancelledError:
            self.forget(job)
            raise
        return handle

    def forget(self, job: TrackedJob) -> None:
        """Follow a job no more; `Handle.close` says what that means."""
        self._protocol.forget(job)
        self._renewal.forget(job)
        self._handles.pop(job, None)
        self._send()

    def _send(self) -> None:
        if self._protocol.unsent:
            self._connection.send_soon()

    # What the connection calls.

    def on_news(self) -> None:
        """Take what the protocol has learned."""
        for job in self._follows.found():
            self._handles[job] = found = Handle(job, self._commands)
            self._follows.put(job, found)
        for job in self._protocol.take_updated_jobs():
            self._retries.answered(job)
            handle = self._handles.get(job)
            if handle is not None:
                handle.look()
            if job.ended:
                self._handles.pop(job, None)
        self._commands.take()
        self._retries.take()
        self._send()

    def closed(self, end: SocketEnd) -> None:
        """Take note that there will be no connection any more."""
        self._end = end
        error = ConnectionLost(_loss(end))
        for handle in self._handles.values():
            handle.fail(error)
        self._handles.clear()
        self._commands.fail(error)
        self._follows.closed(error)

    async def _close(self) -> None:
        self._connection.close(SocketEnd(1000, "the client was closed"))
        await self._tasks.close()


def _failure(url: str, end: SocketEnd) -> str:
    """Return why there is no connection, and what to do about it."""
    if end.code == ABNORMAL and "CERTIFICATE_VERIFY_FAILED" in end.reason:
        return (
            f"the certificate of {url} is not trusted ({end.reason}): "
            "the variable SSL_CERT_FILE names a file with the authority that issued it"
        )
    if end.code == ABNORMAL:
        return (
            f"no answer from {url} ({end.reason}): is the server running (`tidings dev` or `tidings serve`)? "
            "Set TIDINGS_URL if it is elsewhere"
        )
    return f"{url}: {end.reason}"


def _loss(end: SocketEnd) -> str:
    return f"the connection is closed ({end.code}): {end.reason}"
