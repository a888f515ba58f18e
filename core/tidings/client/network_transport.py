"""How a client reaches a server over the network: a WebSocket, and HTTP for lists."""

from contextlib import AbstractAsyncContextManager

from tidings.protocol.frames.listing_messages import JobList

from .connection.address import socket_address
from .connection.client_transport import ClientSocket
from .connection.dial import dial
from .job_pages import read_page


class NetworkTransport:
    """A server at an address."""

    def __init__(self, url: str) -> None:
        """Take an address.

        Raises:
            ConnectionFailed: it is not an address of a server.

        """
        self.url: str = url
        self._address = socket_address(url)

    def dial(self, within_s: float) -> AbstractAsyncContextManager[ClientSocket]:
        """Return what opens a WebSocket; it raises one of `DIAL_ERRORS`."""
        return dial(self._address, within_s)

    async def read_page(self, query: dict[str, str], credential: str | None) -> JobList:
        """Return a page of one's own jobs: `GET /v1/jobs`."""
        return await read_page(self.url, credential, query)
