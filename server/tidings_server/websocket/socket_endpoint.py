"""The WebSocket endpoint: a socket from its handshake to its end."""

import secrets
import time

import anyio
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from tidings.protocol.frames import close_codes
from tidings.protocol.frames.messages import SUBPROTOCOL
from tidings.protocol.problems import Problem, ProblemError, problem
from tidings_server.auth.identity import ANYONE, Identity
from tidings_server.jobs.quotas import ConnectionSlot, quota_key_of
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.runtime import ServerRuntime
from tidings_server.web.authorize import Authorizer
from tidings_server.web.request.client_address import address_of, caller_of
from tidings_server.web.request.origin import origin_allowed
from tidings_server.web.responses import problem_response

from .auth_state import AuthState
from .open_sockets import OpenSockets
from .session import Session
from .socket_connection import SocketConnection
from .transport import AsgiTransport
from .uvicorn_protocol import TAKE_OVER_EXTENSION, TakeOverFunction


class SocketEndpoint:
    """The ASGI application at `/v1/socket`."""

    def __init__(self, runtime: ServerRuntime, sockets: OpenSockets) -> None:
        self._runtime = runtime
        self._authorizer = Authorizer(runtime)
        self._sockets = sockets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket; returns at its end, or when the server's own protocol has taken it over."""
        if SUBPROTOCOL not in scope["subprotocols"]:
            refused = problem("unsupported_version", f"offer the subprotocol {SUBPROTOCOL}")
            await _deny(refused, scope, receive, send)
            return
        try:
            stranger = quota_key_of(ANYONE, address_of(scope))
            connection_slot = self._runtime.quotas.enter(stranger, address_of(scope), time.monotonic())
        except ProblemError as error:
            await _deny(error.problem, scope, receive, send)
            return
        socket: SocketConnection | None = None
        try:
            await receive()  # websocket.connect
            await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL, "headers": []})
            if not origin_allowed(Headers(scope=scope), self._runtime.settings.allowed_origins):
                await send({"type": "websocket.close", "code": close_codes.FORBIDDEN, "reason": "origin not allowed"})
                return
            socket = await self._socket(scope, connection_slot)
        finally:
            if socket is None:
                connection_slot.leave()
        take_over: TakeOverFunction | None = scope.get("extensions", {}).get(TAKE_OVER_EXTENSION)
        if take_over is None:
            await _carry(socket, receive, send, self._runtime.settings.write_timeout_s)
        else:
            take_over(socket)

    async def _socket(self, scope: Scope, connection_slot: ConnectionSlot) -> SocketConnection:
        """Return the socket of a client; a refused credential is answered over the socket, where browsers see it."""
        now = time.monotonic()
        identity: Identity | None = None
        refusal: Problem | None = None
        try:
            identity = await self._authorizer.identify(HTTPConnection(scope), tickets=True)
            if identity is not None:
                connection_slot.transfer_to(quota_key_of(identity, caller_of(scope, identity)), now)
        except ProblemError as error:
            identity, refusal = None, error.problem
        except Exception as error:  # noqa: BLE001 - the border of one handshake
            identity, refusal = None, unexpected_problem("handshake", error)
        caller = caller_of(scope, identity or ANYONE)
        return connection_of(self._runtime, self._sockets, identity, connection_slot, caller, refusal=refusal)


def connection_of(
    runtime: ServerRuntime,
    sockets: OpenSockets,
    identity: Identity | None,
    connection_slot: ConnectionSlot,
    caller: str,
    *,
    refusal: Problem | None = None,
    lasting: bool = False,
) -> SocketConnection:
    """Return the connection of a client, counted among the open sockets; a transport is to open it.

    Args:
        runtime: the server.
        sockets: its open sockets.
        identity: who the client is; None: it has not said so yet.
        connection_slot: its place, which it gives back at its end.
        caller: whose jobs its submissions count among (`caller_of`).
        refusal: why the credential of the handshake was refused.
        lasting: whether it has no maximal age.

    """
    now = time.monotonic()
    settings = runtime.settings
    auth_state = AuthState(
        identity,
        asks=runtime.authenticator.asks,
        within_s=settings.auth_within_s,
        notice_s=settings.expiry_notice_s,
        now=now,
        refusal=refusal,
        max_grants=settings.max_grants,
    )
    session = Session(secrets.token_urlsafe(9), runtime.limits, connection_slot.quota, auth_state, now)
    connection = SocketConnection(runtime, session, caller, connection_slot, sockets.discard, lasting=lasting)
    sockets.add(connection)
    return connection


async def _carry(socket: SocketConnection, receive: Receive, send: Send, write_timeout_s: float) -> None:
    """Serve a socket under an ASGI server without the extension."""
    async with anyio.create_task_group() as tasks:
        transport = AsgiTransport(socket, send, tasks, write_timeout_s)
        try:
            socket.open(transport)
            await transport.read(receive)
        finally:
            socket.lost()
            tasks.cancel_scope.cancel()


async def _deny(refused: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the handshake with a problem, where the ASGI server can; else close before it is complete (403)."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await problem_response(refused)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": close_codes.BAD_PROTOCOL})
