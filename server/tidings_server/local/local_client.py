"""A client of the server in whose process it runs: the frames of the protocol, and no socket to oneself."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from tidings import Client
from tidings.client.client_errors import ConnectionLost
from tidings.client.connection.client_transport import ClientSocket
from tidings.protocol.frames.listing_messages import JobList
from tidings.protocol.problems import ProblemError
from tidings_server.auth.claims import MAX_OWNER, is_subject
from tidings_server.auth.identity import ANYONE, Identity
from tidings_server.auth.owner_names import OwnerNames
from tidings_server.websocket.socket_endpoint import connection_of

from .local_server import ADDRESS, LocalServer, LocalServerError, local_server_of
from .local_socket import LocalSocket

NORMAL = 1000
"""The close code of a client that the server cannot serve: there is nothing to come back to."""


def local_client(app: Starlette, *, owner: str | None = None) -> Client:
    """Return a client of the server that `app` is, for programs in the same process; use it as `async with`.

    It is a `tidings.Client`, with its methods, types and errors. Nothing authenticates it: the program is the server's
    own. It is to be used in the event loop that runs the application, within the application's lifespan: before that
    `async with` raises `ConnectionFailed`, and when it ends the client is closed, and what waits raises
    `ConnectionLost`.

    Args:
        app: what `create_app` returned.
        owner: whose client it is: the name of a user, as `Identity.owner` or a token's `sub` has it, 1 to 255 printable
            characters. It submits, watches, cancels and lists as that user, who sees these jobs, and whose quotas they
            count in. None: the client of the server itself, to which every job is open; what it submits has no owner
            unless it names one (`submit(…, owner="alice")`).

    Raises:
        TypeError: `create_app` did not make the application.
        ValueError: no owner can have this name.

    """
    server = local_server_of(app)
    return Client(transport=LocalTransport(server, _identity(owner, server.runtime.settings.owner_names)))


def _identity(owner: str | None, names: OwnerNames) -> Identity:
    if owner is None:
        return ANYONE
    if not is_subject(owner):
        raise ValueError(f"`owner` takes 1 to {MAX_OWNER} printable characters")
    try:
        return Identity(owner=names.of_subject(owner))
    except ProblemError as error:
        raise ValueError(f"`owner`: {error.problem.detail}") from None


class LocalTransport:
    """How a client reaches the server in whose process it runs."""

    def __init__(self, server: LocalServer, identity: Identity) -> None:
        """Prepare.

        Args:
            server: the server.
            identity: who the client is.

        """
        self._server = server
        self._identity = identity
        self.url: str = ADDRESS

    def dial(self, within_s: float) -> AbstractAsyncContextManager[ClientSocket]:
        """Return what opens a socket; it raises `ConnectionClosed` where the server does not run here."""
        return self._socket()

    @asynccontextmanager
    async def _socket(self) -> AsyncIterator[LocalSocket]:
        try:
            slot = self._server.enter(self._identity)
        except LocalServerError as error:
            raise ConnectionClosedError(Close(NORMAL, str(error)), None) from None
        server, identity = self._server, self._identity
        connection = connection_of(server.runtime, server.sockets, identity, slot, identity.owner, lasting=True)
        socket = LocalSocket(connection)
        with server.ending(lambda why: socket.close(NORMAL, why)):
            connection.open(socket)
            try:
                yield socket
            finally:
                socket.close(NORMAL)

    async def read_page(self, query: dict[str, str], credential: str | None) -> JobList:
        """Return a page of the owner's jobs.

        Raises:
            ProblemError: the server refuses.
            ConnectionLost: it does not run here.

        """
        try:
            self._server.require_running()
        except LocalServerError as error:
            raise ConnectionLost(f"no list of jobs: {error}") from None
        return await self._server.jobs.page(self._identity, query)
