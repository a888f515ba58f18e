"""The client: a socket that comes back, around a ledger."""

import asyncio
import os
import random
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

from tidings.backoff import backoff
from tidings.codec import encode
from tidings.contract.close import CLOSE_CODES
from tidings.contract.frame import SUBPROTOCOL
from tidings.contract.problem import ProblemError

from .error import ConnectionFailed, ConnectionLost
from .handle import Handle
from .ledger import Ledger, Track
from .option import SubmitOptions

DEFAULT_URL = "http://127.0.0.1:8700"
RECONNECT_S = (0.2, 20.0)
"""Longest pause before connecting again after the first failure, and after many."""

RETRY_S = 0.5
"""About how long a watch that was refused for now waits before it is asked again."""

SILENCE_S = 60.0
"""A server says `alive` after 25 s without another frame; this much silence is a dead connection."""


class ClientState(StrEnum):
    """The state of the connection."""

    CONNECTING = "connecting"
    OPEN = "open"
    RESUMING = "resuming"
    """Connecting again, to go on where it was."""
    BACKING_OFF = "backing-off"
    CLOSED = "closed"


class Client:
    """A client of one server (or of several behind one address); use it as `async with`."""

    def __init__(self, url: str | None = None, *, connect_timeout: float = 10.0) -> None:
        """Prepare; `async with` connects.

        Args:
            url: `http(s)://` or `ws(s)://`; None: `TIDINGS_URL`, else http://127.0.0.1:8700.
            connect_timeout: seconds until the first connection must stand.

        """
        self.url = url or os.environ.get("TIDINGS_URL") or DEFAULT_URL
        self.state = ClientState.CONNECTING
        self._address = socket_address(self.url)
        self._connect_timeout = connect_timeout
        self._ledger = Ledger()
        self._handles: dict[Track, Handle] = {}
        self._cancels: dict[int, asyncio.Future[None]] = {}
        self._wanted = asyncio.Event()
        self._opened: asyncio.Future[None] | None = None
        self._stack = AsyncExitStack()
        self._run_task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._opened = asyncio.get_running_loop().create_future()
        self._run_task = tasks.create_task(self._run(), name="tidings client")
        try:
            await asyncio.wait_for(asyncio.shield(self._opened), self._connect_timeout)
        except TimeoutError:
            await self._close()
            raise ConnectionFailed(
                f"no answer from {self.url} within {self._connect_timeout:g} s: is the server running "
                "(`tidings dev` or `tidings serve`)? Set TIDINGS_URL if it is elsewhere"
            ) from None
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def submit(
        self,
        kind: str,
        input: Mapping[str, Any] | Any = None,  # noqa: A002 - the contract's word
        /,
        *,
        options: SubmitOptions | None = None,
        **fields: Any,
    ) -> Handle:
        """Submit work, and return its handle when the server has acked it.

        Args:
            kind: what to do.
            input: a mapping, Struct, dataclass or Pydantic model; None: the keyword arguments are it.
            options: key, delay, deadline and the like.
            fields: the fields of the input.

        Raises:
            ProblemError: it was refused; `problem` says why.
            ConnectionLost: the socket was closed for good.

        """
        value = fields if input is None else input
        said = (options or SubmitOptions()).fields()
        said.setdefault("key", uuid.uuid4().hex)
        track = self._ledger.submit({"kind": kind, "input": msgspec.Raw(encode(value)), **said})
        return await self._follow(track)

    async def watch(self, token: str, after: int = 0) -> Handle:
        """Return the handle of a job submitted elsewhere, or earlier.

        Args:
            token: its token.
            after: the last number seen; the log begins after it.

        Raises:
            ProblemError: there is no such job.
            ConnectionLost: the socket was closed for good.

        """
        return await self._follow(self._ledger.watch(token, after))

    async def _follow(self, track: Track) -> Handle:
        handle = self._handles[track] = Handle(track, self._cancel)
        if self.state is ClientState.CLOSED:
            handle.fail(ConnectionLost("this client is closed"))
        self._wanted.set()
        try:
            await asyncio.shield(handle.answered)
        except asyncio.CancelledError:
            if not handle.answered.done():
                self._ledger.forget(track)
                self._handles.pop(track, None)
            raise
        return handle

    async def _cancel(self, track: Track) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ref = self._ledger.cancel(track)
        self._cancels[ref] = answer
        if self.state is not ClientState.OPEN:
            self._answer_cancel(ref, ConnectionLost("there is no connection at the moment; ask again"))
        self._wanted.set()
        await answer

    async def _close(self) -> None:
        self.state = ClientState.CLOSED
        if self._run_task is not None:
            self._run_task.cancel()
        self._end_all(ConnectionLost("the client was closed"))
        await self._stack.aclose()

    # The connection.

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with self._connection() as connection:
                    failures = 0
                    await self._talk(connection)
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd is not None else 1006
                known = CLOSE_CODES.get(code)
                if known is not None and not known.reconnect:
                    self._give_up(f"the server closed the socket with {code}: {known.meaning}")
                    return
            except InvalidURI as error:
                self._give_up(str(error))
                return
            except (OSError, InvalidHandshake, TimeoutError, msgspec.MsgspecError):
                failures += 1
            self._ledger.disconnected()
            for ref in list(self._cancels):
                self._answer_cancel(ref, ConnectionLost("the connection broke before the answer came; ask again"))
            self.state = ClientState.BACKING_OFF
            await asyncio.sleep(_pause(max(failures, 1)))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[ClientConnection]:
        first = self._opened is not None and not self._opened.done()
        self.state = ClientState.CONNECTING if first else ClientState.RESUMING
        async with connect(
            self._address,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            compression=None,
            max_size=None,
            open_timeout=self._connect_timeout,
            close_timeout=2,
        ) as connection:
            self._ledger.connected()
            self.state = ClientState.OPEN
            if self._opened is not None and not self._opened.done():
                self._opened.set_result(None)
            yield connection

    async def _talk(self, connection: ClientConnection) -> None:
        writer = asyncio.create_task(self._write(connection), name="tidings writer")
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    text = await connection.recv()
                self._take(text)
                if self._ledger.goaway is not None:
                    await self._leave(connection, self._ledger.goaway.reconnect_after)
                    return
        finally:
            writer.cancel()
            await asyncio.wait([writer])

    async def _write(self, connection: ClientConnection) -> None:
        while True:
            self._wanted.clear()
            for frame in self._ledger.take():
                await connection.send(frame)
            await self._wanted.wait()

    async def _leave(self, connection: ClientConnection, after: float) -> None:
        """Go on reading for as long as this client was told to stay, then let it come back elsewhere."""
        try:
            async with asyncio.timeout(after):
                while True:
                    self._take(await connection.recv())
        except TimeoutError:
            return

    def _take(self, text: str | bytes) -> None:
        for track in self._ledger.receive(text):
            handle = self._handles.get(track)
            if handle is not None:
                handle.look()
            if track.ended:
                self._handles.pop(track, None)
        while self._ledger.later:
            self._retry(self._ledger.later.pop())
        while self._ledger.cancels:
            ref, problem = self._ledger.cancels.pop()
            self._answer_cancel(ref, ProblemError(problem) if problem is not None else None)

    def _retry(self, track: Track) -> None:
        def ask() -> None:
            self._ledger.again(track)
            self._wanted.set()

        pause = random.uniform(0.5, 1.5) * RETRY_S  # noqa: S311 - jitter
        asyncio.get_running_loop().call_later(pause, ask)

    def _answer_cancel(self, ref: int, error: Exception | None) -> None:
        answer = self._cancels.pop(ref, None)
        if answer is None or answer.done():
            return
        if error is None:
            answer.set_result(None)
        else:
            answer.set_exception(error)

    def _give_up(self, why: str) -> None:
        self.state = ClientState.CLOSED
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(ConnectionFailed(why))
        self._end_all(ConnectionLost(why))

    def _end_all(self, error: Exception) -> None:
        for handle in self._handles.values():
            handle.fail(error)
            handle.answered.exception()  # whoever awaits it gets it too; it is not lost otherwise
        self._handles.clear()
        for ref in list(self._cancels):
            self._answer_cancel(ref, error)


def _pause(failures: int) -> float:
    return backoff(failures, random.random(), first_s=RECONNECT_S[0], longest_s=RECONNECT_S[1])  # noqa: S311


def socket_address(url: str) -> str:
    """Return the address of the socket for the address of a server.

    Raises:
        ConnectionFailed: it is not an address of a server.

    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ConnectionFailed(f"{url!r} is not a server's address; it looks like {DEFAULT_URL}")
    path = parts.path.rstrip("/")
    if not path.endswith("/v1/socket"):
        path += "/v1/socket"
    return urlunsplit((scheme, parts.netloc, path, "", ""))
