"""How a client reaches a server: what opens a socket, and what reads a page of a list."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tidings.protocol.frames.listing_messages import JobList


class RawConnection(Protocol):
    """What lies under a socket."""

    def abort(self) -> None:
        """End the socket at once, without a word."""


class ClientSocket(Protocol):
    """A socket as a connection uses it: that of `websockets`, or one inside the server's own process."""

    @property
    def transport(self) -> RawConnection:
        """What lies under it."""

    async def recv(self, decode: bool | None = None) -> str | bytes:
        """Return the next frame; `decode` false: as bytes, which need not be UTF-8.

        Raises:
            ConnectionClosed: (of `websockets`) the socket has ended.

        """

    async def send(self, message: str | bytes, *, text: bool | None = None) -> None:
        """Send a frame.

        Raises:
            ConnectionClosed: (of `websockets`) the socket has ended.

        """


class ClientTransport(Protocol):
    """How a client reaches a server."""

    @property
    def url(self) -> str:
        """Where the server is, for people to read."""

    def dial(self, within_s: float) -> AbstractAsyncContextManager[ClientSocket]:
        """Return what opens a socket, and closes it behind the body.

        It raises one of `DIAL_ERRORS`, or `ConnectionClosed` (of `websockets`) with a close code.

        Args:
            within_s: how long it may take.

        """

    async def read_page(self, query: dict[str, str], credential: str | None) -> JobList:
        """Return a page of one's own jobs.

        Args:
            query: the parameters of `GET /v1/jobs`.
            credential: None: none is presented.

        Raises:
            ProblemError: the server refuses.
            ConnectionLost: no server answers, or what answers is none.

        """
