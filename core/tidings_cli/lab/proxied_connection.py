"""One connection through a proxy."""

import asyncio
import socket
import struct
from typing import Protocol

from .delayed_writer import LinkBrokenError
from .message_faults import DelayDraw


class TrafficListener(Protocol):
    """Reads along on one connection, in both directions."""

    def on_request(self, data: bytes) -> bool:
        """Read bytes from the client; return whether they may pass: if not, the connection ends."""

    def on_response(self, data: bytes) -> None:
        """Read bytes from the server."""


class ProxiedConnection:
    """One connection through the proxy: two sockets and two pumps."""

    def __init__(
        self,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        draws: tuple[DelayDraw | None, DelayDraw | None],
        listener: TrafficListener | None,
    ) -> None:
        self.there, self.back = draws
        """The delay of messages to the target, and back; None: as the proxy's mode has it."""
        self.listener = listener
        self.deaf = False
        """Whether bytes from the client are dropped."""
        self.mute = False
        """Whether bytes from the server are dropped."""
        self.subscribed = False
        """Whether the client has subscribed to channels: then this is the link of an inbox, not of calls."""
        self._ends = (client, server)

    def end(self, *, rudely: bool = False) -> None:
        """Close both ends; `rudely` by RST."""
        for end in self._ends:
            if rudely:
                raw: socket.socket | None = end.get_extra_info("socket")
                if raw is not None and raw.fileno() >= 0:  # else it is closed already
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.transport.abort()
            else:
                end.close()

    def inspect(self, data: bytes, *, back: bool) -> None:
        """Give bytes to the listener.

        Raises:
            LinkBrokenError: the bytes may not pass.

        """
        if self.listener is None:
            return
        if back:
            self.listener.on_response(data)
        elif not self.listener.on_request(data):
            raise LinkBrokenError
