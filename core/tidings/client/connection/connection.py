"""One lasting connection over many sockets.

Every end of a socket, and every failure to open one, becomes a `SocketEnd`, and `_after` decides what follows:
`backing-off` or `closed`; no other way leads to a new socket. On a socket that is open there are three tasks
beside the reader: one writes, one watches over silence, and at times one renews the credential.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Protocol

import msgspec
from websockets.exceptions import ConnectionClosed

from tidings.client.protocol.client_protocol import ClientProtocol
from tidings.protocol.frames.close_codes import CLOSE_CODES, DRAINING, RATE_LIMITED, UNAUTHENTICATED
from tidings.protocol.frames.limits import Limits
from tidings.protocol.frames.messages import Auth, Done, Error, GoAway, Hello, ServerFrame
from tidings.protocol.problems import Problem, ProblemError
from tidings.token_bucket import TokenBucket

from .client_transport import ClientSocket, ClientTransport
from .connection_state import ClientState, ConnectionEvent, StateLog
from .credential import NONE_GIVEN, Credential
from .dial import DIAL_ERRORS, end_of_failed_dial
from .reconnect_delay import ABNORMAL, ReconnectBackoff, SocketEnd
from .silence import SILENCE_CHECK_S, SILENCE_S, Moment, now

SEND_RATE_SHARE = 0.9
"""The share of the frames a second that the server allows which this client uses; its clock is not the server's."""

_NOT_ACCEPTED = frozenset({"unauthenticated", "forbidden"})
"""Problems of the credential; any other that answers it is the server's, and passes."""

log: logging.Logger = logging.getLogger("tidings.client")

_decode = msgspec.json.Decoder(ServerFrame).decode
_encode = msgspec.json.Encoder().encode


class ConnectionOwner(Protocol):
    """Whose connection it is."""

    def on_news(self) -> None:
        """Take what the protocol has learned."""

    def closed(self, end: SocketEnd) -> None:
        """Take note that there will be no connection any more."""


class _SocketEnded(Exception):  # noqa: N818 - control flow
    """A socket is over."""

    def __init__(self, end: SocketEnd) -> None:
        self.end = end
        super().__init__(end.reason)


class PersistentConnection:
    """Opens sockets one after another, until it is closed for good."""

    def __init__(
        self,
        transport: ClientTransport,
        protocol: ClientProtocol,
        credential: Credential,
        owner: ConnectionOwner,
        *,
        connect_timeout_s: float,
        clock: Callable[[], Moment] = now,
        look_s: float = SILENCE_CHECK_S,
    ) -> None:
        """Prepare; `run` connects.

        Args:
            transport: opens its sockets.
            protocol: what it sends and receives.
            credential: what to present if the server asks who this is.
            owner: hears of news and of the end.
            connect_timeout_s: how long one socket may take until it can be used.
            clock: the present moment.
            look_s: how often to look for silence.

        """
        self.states: StateLog = StateLog()
        self.opened: asyncio.Event = asyncio.Event()
        """Set when the first socket can be used, or never will be."""
        self._transport = transport
        self._protocol = protocol
        self._credential = credential
        self._owner = owner
        self._connect_timeout_s = connect_timeout_s
        self._clock = clock
        self._look_s = look_s
        self._pauses = ReconnectBackoff()
        self._wanted = asyncio.Event()
        self._heard = clock()
        self._usable_since: float | None = None
        self._leave_at: float | None = None
        """When the server wants this client elsewhere, by the loop's clock."""
        self._barred_s: float | None = None
        """How long the server said to stay away if it closes with 4029."""
        self._renewals: set[int] = set()
        self.features: frozenset[str] = frozenset()
        """What the server said last that it takes beyond version 1."""

    @property
    def state(self) -> ClientState:
        """The present state."""
        return self.states.last.state

    def send_soon(self) -> None:
        """Wake the task that sends the protocol's frames."""
        self._wanted.set()

    def close(self, end: SocketEnd) -> None:
        """Be closed for good."""
        if self.state is not ClientState.CLOSED:
            self._protocol.disconnected()
            self.states.apply(ConnectionEvent.CLOSED, end.code, end.reason)
            self._owner.closed(end)
            self.opened.set()

    async def run(self, wait_s: float) -> None:
        """Keep connected until it is closed for good.

        Args:
            wait_s: how long to go on trying before the first connection has stood.

        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + wait_s
        while True:
            end = await self._live()
            self._protocol.disconnected(broke=end.abrupt)
            self._owner.on_news()
            pause_s = self._pauses.after(end, random.random())  # noqa: S311 - jitter
            too_late = not self.opened.is_set() and loop.time() + pause_s > give_up
            if too_late or not self._returns(end):
                self.close(end)
                return
            log.debug("the connection ended (%d: %s); the next try is in %.1f s", end.code, end.reason, pause_s)
            self.states.apply(ConnectionEvent.LOST, end.code, end.reason, pause_s)
            await asyncio.sleep(pause_s)
            self.states.apply(ConnectionEvent.PAUSE_OVER)

    def _returns(self, end: SocketEnd) -> bool:
        if end.code == UNAUTHENTICATED:
            return self._credential.renewable
        return end.reconnect

    # One socket's life.

    async def _live(self) -> SocketEnd:
        """Open a socket and use it; return how it ended."""
        self._usable_since = self._leave_at = self._barred_s = None
        try:
            credential = await self._fetch()
            async with self._transport.dial(self._connect_timeout_s) as socket:
                async with asyncio.timeout(self._connect_timeout_s):
                    limits = await self._greet(socket, credential)
                return await self._use(socket, limits)
        except _SocketEnded as ended:
            return ended.end
        except ConnectionClosed as closed:
            return self._closed(closed)
        except DIAL_ERRORS as error:
            return end_of_failed_dial(error, self._connect_timeout_s)

    async def _fetch(self) -> str | None:
        try:
            return await self._credential.fetch(self._connect_timeout_s)
        except Exception as error:
            # The program's own code runs here, and any exception of it is a failure like any other. Its text is not
            # repeated, because it may hold what must not be shown.
            raise _SocketEnded(
                SocketEnd(ABNORMAL, f"no credential: {type(error).__name__} was raised", error=error)
            ) from error

    async def _greet(self, socket: ClientSocket, credential: str | None) -> Limits:
        """Wait for `hello`, present the credential if it is wanted, and let the protocol ask."""
        hello = await self._next(socket)
        while not isinstance(hello, Hello):
            hello = await self._next(socket)
        if not hello.authenticated:
            await self._authenticate(socket, credential)
        self.features = frozenset(hello.features)
        self._heard = self._clock()
        self._usable_since = asyncio.get_running_loop().time()
        self._protocol.connected(hello.limits)
        self.states.apply(ConnectionEvent.GREETED_BEHIND if self._protocol.resuming else ConnectionEvent.GREETED)
        self.opened.set()
        self._owner.on_news()
        return hello.limits

    async def _authenticate(self, socket: ClientSocket, credential: str | None) -> None:
        if not credential:
            raise _SocketEnded(SocketEnd(UNAUTHENTICATED, NONE_GIVEN))
        ref = self._protocol.next_ref()
        await socket.send(_encode(Auth(ref=ref, credential=credential)), text=True)
        while True:
            frame = await self._next(socket)
            if isinstance(frame, Done) and frame.ref == ref:
                return
            if isinstance(frame, Error) and (frame.ref == ref or frame.problem.code in _NOT_ACCEPTED):
                raise _SocketEnded(_refusal(frame.problem))

    async def _next(self, socket: ClientSocket) -> ServerFrame:
        """Return the next frame of a socket that cannot be used yet; what it says of the connection is noted."""
        frame: ServerFrame = _decode(await socket.recv(decode=False))
        self._note(frame)
        return frame

    async def _use(self, socket: ClientSocket, limits: Limits) -> SocketEnd:
        async with asyncio.TaskGroup() as tasks:
            helpers = [
                tasks.create_task(self._write(socket, limits), name="tidings writer"),
                tasks.create_task(self._watch_over(socket), name="tidings watchdog"),
            ]
            end = await self._read(socket, tasks, helpers)
            for helper in helpers:
                helper.cancel()
        return end

    async def _read(
        self, socket: ClientSocket, tasks: asyncio.TaskGroup, helpers: list[asyncio.Task[None]]
    ) -> SocketEnd:
        try:
            while True:
                async with asyncio.timeout_at(self._leave_at):
                    frame = _decode(await socket.recv(decode=False))
                self._heard = self._clock()
                self._take(frame)
                if isinstance(frame, Error) and frame.problem.code == "token_expiring" and self._credential.renewable:
                    helpers.append(tasks.create_task(self._renew(socket), name="tidings renewal"))
        except TimeoutError:
            return self._ended(DRAINING, "the server asked this client to come back elsewhere", 0.0)
        except ConnectionClosed as closed:
            return self._closed(closed)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return self._ended(ABNORMAL, f"not a frame of this protocol: {error}")

    def _take(self, frame: ServerFrame) -> None:
        self._note(frame)
        self._protocol.receive(frame)
        if self.state is ClientState.RESUMING and not self._protocol.resuming:
            self.states.apply(ConnectionEvent.CAUGHT_UP)
        self._owner.on_news()

    def _note(self, frame: ServerFrame) -> None:
        """Note what a frame says of the connection."""
        match frame:
            case GoAway():
                self._leave_at = asyncio.get_running_loop().time() + frame.reconnect_after
            case Error(ref=None) if frame.problem.code == "rate_limited":
                self._barred_s = frame.problem.retry_after
            case Error() if frame.ref in self._renewals:
                log.warning("the renewed credential was refused: %s", frame.problem.detail)

    async def _write(self, socket: ClientSocket, limits: Limits) -> None:
        """Send the protocol's frames, a little more slowly than the server allows."""
        burst = max(1, SEND_RATE_SHARE * limits.max_frame_burst)
        bucket = TokenBucket(SEND_RATE_SHARE * limits.max_frames_per_s, burst, asyncio.get_running_loop().time())
        try:
            while True:
                self._wanted.clear()
                for frame in self._protocol.take():
                    await _wait_for_token(bucket)
                    await socket.send(frame, text=True)
                await self._wanted.wait()
        except ConnectionClosed:
            return  # the reader gets the same exception

    async def _watch_over(self, socket: ClientSocket) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            if self._clock().since(self._heard) > SILENCE_S:
                break
        log.debug("nothing was heard for %g s", SILENCE_S)
        socket.transport.abort()  # to close it in order would wait for an answer

    async def _renew(self, socket: ClientSocket) -> None:
        """Present a fresh credential; if that fails the old one runs out, and the next socket gets a fresh one."""
        try:
            credential = await self._fetch()
            if credential:
                ref = self._protocol.next_ref()
                self._renewals.add(ref)
                await socket.send(_encode(Auth(ref=ref, credential=credential)), text=True)
        except _SocketEnded as failed:
            log.warning("the credential could not be renewed: %s", failed.end.reason)
        except ConnectionClosed:
            return  # the reader gets the same exception

    # How it ended.

    def _closed(self, closed: ConnectionClosed) -> SocketEnd:
        code = closed.rcvd.code if closed.rcvd is not None else ABNORMAL
        known = CLOSE_CODES.get(code)
        said = closed.rcvd.reason if closed.rcvd is not None else ""
        reason = ": ".join(filter(None, (known.meaning if known is not None else "closed by the server", said)))
        return self._ended(code, reason, self._barred_s if code == RATE_LIMITED else None)

    def _ended(self, code: int, reason: str, server_delay_s: float | None = None) -> SocketEnd:
        now_s = asyncio.get_running_loop().time()
        lasted_s = 0.0 if self._usable_since is None else now_s - self._usable_since
        if self._leave_at is not None and server_delay_s is None:
            server_delay_s = max(0.0, self._leave_at - now_s)
        return SocketEnd(code, reason, lasted_s, server_delay_s)


async def _wait_for_token(bucket: TokenBucket) -> None:
    """Wait until one more may be sent."""
    clock = asyncio.get_running_loop().time
    wait_s = bucket.take(clock())
    while wait_s > 0:
        await asyncio.sleep(wait_s)
        wait_s = bucket.take(clock())


def _refusal(problem: Problem) -> SocketEnd:
    """Return the end of a socket whose credential was refused, or (its code says) could not be checked for now."""
    if problem.code in _NOT_ACCEPTED:
        detail = f"the server did not accept the credential: {problem.detail}"
        return SocketEnd(UNAUTHENTICATED, detail, error=ProblemError(problem))
    return SocketEnd(ABNORMAL, problem.detail, server_delay_s=problem.retry_after, error=ProblemError(problem))
