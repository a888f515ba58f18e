"""The WebSocket endpoint: a socket from its handshake to its end."""

import secrets
import time

import anyio
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from tidings.contract import close
from tidings.contract.frame import SUBPROTOCOL
from tidings.contract.problem import Problem, ProblemError, problem

from .account import Seat
from .auth.identity import ANYONE
from .caller import address_of, caller_of
from .gateway import Gateway
from .line import AsgiLine
from .origin import origin_allowed
from .protocol import EXTENSION, TakeOver
from .reply import problem_response
from .session import Session
from .socket import Socket
from .sockets import Sockets


class SocketEndpoint:
    """The ASGI application at `/v1/socket`."""

    def __init__(self, gateway: Gateway, sockets: Sockets) -> None:
        self._gateway = gateway
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket; returns at its end, or when the server's own protocol has taken it over."""
        if SUBPROTOCOL not in scope["subprotocols"]:
            refused = problem("unsupported_version", f"offer the subprotocol {SUBPROTOCOL}")
            await _deny(refused, scope, receive, send)
            return
        try:
            seat = self._gateway.accounts.enter(caller_of(scope, ANYONE), address_of(scope), time.monotonic())
        except ProblemError as error:
            await _deny(error.problem, scope, receive, send)
            return
        socket: Socket | None = None
        try:
            await receive()  # websocket.connect
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL, "headers": []})
            if not origin_allowed(Headers(scope=scope), self._gateway.settings.allowed_origins):
                await send({"type": "websocket.close", "code": close.FORBIDDEN, "reason": "origin not allowed"})
                return
            socket = self._socket(caller_of(scope, ANYONE), seat)
        finally:
            if socket is None:
                seat.leave()
        take_over: TakeOver | None = scope.get("extensions", {}).get(EXTENSION)
        if take_over is None:
            await _carry(socket, receive, send)
        else:
            take_over(socket)

    def _socket(self, caller: str, seat: Seat) -> Socket:
        session = Session(secrets.token_urlsafe(9), self._gateway.limits, seat.account, time.monotonic())
        socket = Socket(self._gateway, session, caller, seat, self._sockets.discard)
        self._sockets.add(socket)
        return socket


async def _carry(socket: Socket, receive: Receive, send: Send) -> None:
    """Serve a socket under an ASGI server that is not ours."""
    async with anyio.create_task_group() as tasks:
        line = AsgiLine(socket, send, tasks)
        try:
            socket.open(line)
            await line.read(receive)
        finally:
            socket.lost()
            tasks.cancel_scope.cancel()


async def _deny(refused: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the handshake with a problem, where the server can; else close before it is complete (403)."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await problem_response(refused)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": close.BAD_PROTOCOL})
