"""The WebSocket endpoint: a socket from its handshake to its end."""

import secrets
import time

import anyio
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from tidings.contract import close
from tidings.contract.frame import SUBPROTOCOL
from tidings.contract.problem import Problem, ProblemError, problem

from .account import Seat
from .auth.identity import ANYONE, Identity
from .auth.standing import Standing
from .caller import address_of, caller_of, share_of
from .fault import unexpected
from .gateway import Gateway
from .guard import Guard
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
        self._guard = Guard(gateway)
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket; returns at its end, or when the server's own protocol has taken it over."""
        if SUBPROTOCOL not in scope["subprotocols"]:
            refused = problem("unsupported_version", f"offer the subprotocol {SUBPROTOCOL}")
            await _deny(refused, scope, receive, send)
            return
        try:
            stranger = share_of(ANYONE, address_of(scope))
            seat = self._gateway.accounts.enter(stranger, address_of(scope), time.monotonic())
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
            socket = await self._socket(scope, seat)
        finally:
            if socket is None:
                seat.leave()
        take_over: TakeOver | None = scope.get("extensions", {}).get(EXTENSION)
        if take_over is None:
            await _carry(socket, receive, send, self._gateway.settings.write_timeout_s)
        else:
            take_over(socket)

    async def _socket(self, scope: Scope, seat: Seat) -> Socket:
        """Return the socket of whoever has come; that a credential is refused is told over it, for browsers to see."""
        now = time.monotonic()
        identity: Identity | None = None
        refusal: Problem | None = None
        try:
            identity = await self._guard.identify(HTTPConnection(scope), tickets=True)
            if identity is not None:
                seat.give_to(share_of(identity, caller_of(scope, identity)), now)
        except ProblemError as error:
            identity, refusal = None, error.problem
        except Exception as error:  # noqa: BLE001 - the border of one handshake
            identity, refusal = None, unexpected("handshake", error)
        settings = self._gateway.settings
        standing = Standing(
            identity,
            asks=self._gateway.authenticator.asks,
            within_s=settings.auth_within_s,
            notice_s=settings.expiry_notice_s,
            now=now,
            refusal=refusal,
        )
        session = Session(secrets.token_urlsafe(9), self._gateway.limits, seat.account, standing, now)
        caller = caller_of(scope, identity or ANYONE)
        socket = Socket(self._gateway, session, caller, seat, self._sockets.discard)
        self._sockets.add(socket)
        return socket


async def _carry(socket: Socket, receive: Receive, send: Send, write_timeout_s: float) -> None:
    """Serve a socket under an ASGI server that is not ours."""
    async with anyio.create_task_group() as tasks:
        line = AsgiLine(socket, send, tasks, write_timeout_s)
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
