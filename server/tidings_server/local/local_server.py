"""The server as clients in its own process reach it: whether it runs, and their sockets, which end with it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from starlette.applications import Starlette

from tidings.protocol.problems import ProblemError
from tidings_server.auth.identity import Identity
from tidings_server.jobs.quotas import ConnectionSlot, quota_key_of
from tidings_server.owned.owned_job_list import OwnedJobList
from tidings_server.runtime import ServerRuntime
from tidings_server.websocket.open_sockets import OpenSockets

ADDRESS = "in process"
"""Stands for the address of clients in the server's own process."""


STOPPED = "the server has stopped: the lifespan of its application is over"


class LocalServerError(Exception):
    """The server cannot be reached from where the client is; says why."""


class LocalServer:
    """One server, for clients in its process."""

    def __init__(self, runtime: ServerRuntime, sockets: OpenSockets, jobs: OwnedJobList) -> None:
        """Prepare; `serving` begins.

        Args:
            runtime: the server.
            sockets: its open sockets.
            jobs: lists the jobs of an owner.

        """
        self.runtime = runtime
        self.sockets = sockets
        self.jobs = jobs
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ends: set[Callable[[str], None]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Let clients in during the body; behind it end those that are still there."""
        self._loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            self._loop = None
            for end in list(self._ends):
                end(STOPPED)

    def require_running(self) -> None:
        """Refuse a client that the server cannot serve.

        Raises:
            LocalServerError: the server has not started, has stopped, or runs in another event loop.

        """
        if self.runtime.over:
            raise LocalServerError(STOPPED)
        if self._loop is None:
            raise LocalServerError(
                "the server has not started: enter the lifespan of its application first, as in `async with "
                "app.router.lifespan_context(app):`"
            )
        if self._loop is not asyncio.get_running_loop():
            raise LocalServerError(
                "the server runs in another event loop: use the client in the loop that runs the application"
            )

    def enter(self, identity: Identity) -> ConnectionSlot:
        """Count a client's socket.

        Raises:
            LocalServerError: as `require_running`, or as many connections as may be are open.

        """
        self.require_running()
        try:
            return self.runtime.quotas.enter(quota_key_of(identity, ADDRESS), ADDRESS, time.monotonic())
        except ProblemError as error:
            raise LocalServerError(error.problem.detail) from error

    @contextmanager
    def ending(self, end: Callable[[str], None]) -> Iterator[None]:
        """Have a socket ended if the server stops during the body.

        Args:
            end: ends it, saying why.

        """
        self._ends.add(end)
        try:
            yield
        finally:
            self._ends.discard(end)


def local_server_of(app: Starlette) -> LocalServer:
    """Return the server that `create_app` made.

    Raises:
        TypeError: `create_app` did not make it.

    """
    found = getattr(getattr(app, "state", None), "local_server", None)
    if not isinstance(found, LocalServer):
        raise TypeError(
            "local_client() takes the application that create_app() returned, not the one that it is mounted in"
        )
    return found
