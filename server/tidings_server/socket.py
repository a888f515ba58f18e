"""The WebSocket endpoint: a thin shell around a `Session`, on plain ASGI.

One task for each socket, which waits for its frames; a second lives only while there is something
to send. Answers of the store reach the session by callbacks, without a task for each.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.abc
import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tidings.broker.gateway import Record, Submitted
from tidings.contract import close
from tidings.contract.event import EventClass
from tidings.contract.frame import SUBPROTOCOL, Cancel, Submit, Unwatch, Watch
from tidings.contract.problem import ProblemError, problem, refuse
from tidings.contract.token import Token, parse

from .caller import caller_of
from .gateway import Gateway, acknowledge, cancel_problem, store_problem, unknown_token
from .hub import Listener
from .render import snapshot_frame
from .reply import problem_response
from .session import Command, Session

log = structlog.get_logger()

Answer = TypeVar("Answer")

SEND_TIMEOUT_S = 20.0
"""How long one write may wait for a reader that does not read, before the socket is given up."""


class SocketListener(Listener):
    """One job, watched over a socket."""

    __slots__ = ("_socket",)

    def __init__(self, token: Token, socket: "Socket") -> None:
        super().__init__(token)
        self._socket = socket

    def event(self, seq: int, event_class: int, frame: str) -> None:
        """Pass an event on."""
        self._socket.session.event(str(self.token), event_class, frame)
        if event_class == EventClass.FINAL:
            self._socket.ended(self)
        self._socket.flush()

    def repaired(self, record: Record, after: int) -> None:
        """Tell where the job stands after events were lost on the way."""
        self._socket.tell_snapshot(self, record, None, after)

    def vanished(self) -> None:
        """Tell that the record is gone."""
        self._socket.ended(self)
        self._socket.session.vanished(str(self.token), unknown_token(str(self.token)).problem)
        self._socket.flush()


class Socket:
    """One open socket: its session, what it watches, and its writing."""

    def __init__(self, gateway: Gateway, session: Session, send: Send, tasks: anyio.abc.TaskGroup, caller: str) -> None:
        self.session = session
        self.sent_at = time.monotonic()
        """When something was last sent, by this process's monotonic clock, s."""
        self._gateway = gateway
        self._send = send
        self._tasks = tasks
        self._caller = caller
        self._writing = False
        self._listeners: dict[str, SocketListener] = {}
        self._open = True

    def do(self, command: Command) -> None:
        """Carry out what the session asks."""
        match command:
            case Submit():
                self._submit(command)
            case Watch():
                self._watch(command)
            case Unwatch():
                self._unwatch(command)
            case Cancel():
                self._cancel(command)

    def leave(self) -> None:
        """Stop listening to everything: the socket is gone."""
        self._open = False
        for listener in self._listeners.values():
            self._gateway.hub.leave(listener)
        self._listeners.clear()

    def ended(self, listener: SocketListener) -> None:
        """Take note that nothing more comes for a listener."""
        if self._listeners.get(str(listener.token)) is listener:
            del self._listeners[str(listener.token)]
            self.session.watches -= 1

    # Submit.

    def _submit(self, frame: Submit) -> None:
        try:
            token, job = self._gateway.admit(frame, self._caller)
        except ProblemError as error:
            self.session.submit_refused(frame.ref, error.problem)
            return
        listener = None
        if frame.watch:
            listener = self._listen(token)
            self._gateway.hub.begin(listener)
        answer = self._gateway.store.submit(token.partition, job)
        answer.add_done_callback(partial(self._submitted, frame.ref, token, listener))

    def _submitted(
        self,
        ref: int,
        token: Token,
        listener: SocketListener | None,
        answer: "asyncio.Future[Submitted]",
    ) -> None:
        try:
            ack = acknowledge(token, answer_of(answer), ref)
        except ProblemError as error:
            if listener is not None:
                self._gateway.hub.forget(listener)
                self.ended(listener)
            if self._open:
                self.session.submit_refused(ref, error.problem)
                self.flush()
            return
        if not self._open:
            return
        self.session.acked(ack)
        if ack.duplicate:
            self._watch_earlier(ref, listener, ack.token)
        elif listener is not None:
            listener.release(ack.seq)
        self.flush()

    def _watch_earlier(self, ref: int, listener: SocketListener | None, token: str) -> None:
        """Follow the ack of a duplicate by the snapshot of the earlier job."""
        if listener is not None:
            self._gateway.hub.forget(listener)
            self.ended(listener)
        earlier = parse(token)
        assert earlier is not None
        if listener is None:
            answer = self._gateway.store.read(earlier)
            answer.add_done_callback(partial(self._read_earlier, ref, token))
        else:
            self._start_watch(ref, earlier, 0)

    def _read_earlier(self, ref: int, token: str, answer: "asyncio.Future[Record]") -> None:
        if not self._open:
            return
        try:
            self.session.snapshot(ref, snapshot_frame(token, record_of(token, answer), ref))
        except ProblemError as error:
            self.session.refused(ref, error.problem)
        self.flush()

    # Watch, unwatch, cancel.

    def _watch(self, frame: Watch) -> None:
        try:
            token = self._gateway.find(frame.token)
        except ProblemError as error:
            self.session.refused(frame.ref, error.problem)
            return
        self._start_watch(frame.ref, token, frame.after)

    def _start_watch(self, ref: int, token: Token, after: int) -> None:
        known = self._listeners.get(str(token))
        if known is not None:  # watched already: begin anew from the number given
            self._gateway.hub.leave(known)
            self.ended(known)
        listener = self._listen(token)
        answer = self._gateway.hub.watch(listener, after)
        answer.add_done_callback(partial(self._watched, ref, listener, after))

    def _watched(self, ref: int, listener: SocketListener, after: int, answer: "asyncio.Future[Record]") -> None:
        try:
            record = record_of(str(listener.token), answer)
        except ProblemError as error:
            self._gateway.hub.leave(listener)
            self.ended(listener)
            if self._open:
                self.session.refused(ref, error.problem)
                self.flush()
            return
        if self._open:
            self.tell_snapshot(listener, record, ref, after)
            listener.release(int(record.seq))

    def tell_snapshot(self, listener: SocketListener, record: Record, ref: int | None, after: int) -> None:
        """Send where a job stands; a job that has ended is not listened to any more."""
        token = str(listener.token)
        self.session.snapshot(ref, snapshot_frame(token, record, ref, after))
        if record.finished:
            self._gateway.hub.leave(listener)
            self.ended(listener)
        self.flush()

    def _unwatch(self, frame: Unwatch) -> None:
        listener = self._listeners.get(frame.token)
        if listener is not None:
            self._gateway.hub.leave(listener)
            self.ended(listener)
        self.session.done(frame.ref)

    def _cancel(self, frame: Cancel) -> None:
        try:
            token = self._gateway.find(frame.token)
        except ProblemError as error:
            self.session.refused(frame.ref, error.problem)
            return
        answer = self._gateway.store.cancel(token)
        answer.add_done_callback(partial(self._cancelled, frame.ref, frame.token))

    def _cancelled(self, ref: int, token: str, answer: "asyncio.Future[str]") -> None:
        if not self._open:
            return
        try:
            refused = cancel_problem(token, answer_of(answer))
        except ProblemError as error:
            refused = error.problem
        if refused is not None:
            self.session.refused(ref, refused)
        else:
            self.session.done(ref)
        self.flush()

    def _listen(self, token: Token) -> SocketListener:
        listener = self._listeners[str(token)] = SocketListener(token, self)
        self.session.watches += 1
        return listener

    # Writing.

    def flush(self) -> None:
        """Have sent what waits; returns at once. Only one writer at a time uses the socket."""
        if not self._writing and self._open:
            self._writing = True
            self._tasks.start_soon(self._write, name="socket writer")

    async def _write(self) -> None:
        try:
            while self.session.outbox:
                for frame in self.session.outbox.take():
                    with anyio.fail_after(SEND_TIMEOUT_S):
                        await self._send({"type": "websocket.send", "text": frame})
                self.sent_at = time.monotonic()
            if self.session.close_code is not None:
                await self._send({"type": "websocket.close", "code": self.session.close_code})
                self._tasks.cancel_scope.cancel()
        except TimeoutError:
            self.session.close(close.TOO_SLOW)
            self._tasks.cancel_scope.cancel()
        except OSError:
            self._tasks.cancel_scope.cancel()  # the client is gone, as the reader will be told too
        finally:
            self._writing = False


class Sockets:
    """The open sockets of this process."""

    def __init__(self) -> None:
        self._open: set[Socket] = set()
        self._closed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Socket]:
        return iter(tuple(self._open))

    def add(self, socket: Socket) -> None:
        """Count a socket that has opened."""
        self._open.add(socket)

    def discard(self, socket: Socket) -> None:
        """Count a socket no more, and stop what it listened to."""
        self._open.discard(socket)
        socket.leave()
        self._closed.set()

    async def gone(self) -> None:
        """Return when no socket is open."""
        while self._open:
            self._closed.clear()
            await self._closed.wait()


class SocketEndpoint:
    """The ASGI application at `/v1/socket`."""

    def __init__(self, gateway: Gateway, sockets: Sockets) -> None:
        self._gateway = gateway
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket from its handshake to its end."""
        if SUBPROTOCOL not in scope["subprotocols"]:
            refused = problem("unsupported_version", f"offer the subprotocol {SUBPROTOCOL}")
            await self._deny(problem_response(refused), scope, receive, send)
            return
        await receive()  # websocket.connect
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL, "headers": []})
        if not origin_allowed(Headers(scope=scope), self._gateway.settings.allowed_origins):
            await send({"type": "websocket.close", "code": close.FORBIDDEN, "reason": "origin not allowed"})
            return
        async with anyio.create_task_group() as tasks:
            session = Session(secrets.token_urlsafe(9), self._gateway.limits)
            socket = Socket(self._gateway, session, send, tasks, caller_of(scope))
            self._sockets.add(socket)
            try:
                await _read(socket, receive)
            finally:
                self._sockets.discard(socket)
                tasks.cancel_scope.cancel()

    async def _deny(self, response: Response, scope: Scope, receive: Receive, send: Send) -> None:
        if "websocket.http.response" in scope.get("extensions", {}):
            await response(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": close.BAD_PROTOCOL})


async def _read(socket: Socket, receive: Receive) -> None:
    session = socket.session
    session.open()
    socket.flush()
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("text")
        command = session.receive(data if data is not None else message["bytes"])
        if command is not None:
            socket.do(command)
        if session.outbox or session.close_code is not None:
            socket.flush()


def answer_of(answer: "asyncio.Future[Answer]") -> Answer:
    """Return what the store answered.

    Raises:
        ProblemError: what a client is told instead.

    """
    if answer.cancelled():
        raise refuse("draining", "this server is shutting down; connect again", retry_after=1)
    error = answer.exception()
    if error is not None:
        raise ProblemError(store_problem(error))
    return answer.result()


def record_of(token: str, answer: "asyncio.Future[Record]") -> Record:
    """Return the record the store answered with.

    Raises:
        ProblemError: there is none, or the store is not there.

    """
    record = answer_of(answer)
    if not record.state:
        raise unknown_token(token)
    return record


def origin_allowed(headers: Headers, allowed: Sequence[str]) -> bool:
    """Return whether a browser's page may use this server: its own pages, or those allowed.

    Other programs send no Origin and pass. Source: RFC 6455, section 10.2.
    """
    origin = headers.get("origin")
    if origin is None or "*" in allowed or origin in allowed:
        return True
    return urlsplit(origin).netloc == headers.get("host")
