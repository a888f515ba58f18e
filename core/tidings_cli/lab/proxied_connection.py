"""One connection through a proxy."""

import asyncio
import socket
import struct
from typing import Protocol

from .delayed_writer import LinkBrokenError
from .message_faults import DelayDraw


class TrafficListener(Protocol):
    """What hears everything that is said on one connection."""

    def on_request(self, data: bytes) -> bool:
        """Take what the client says; return whether it may pass: if not, the connection is dead."""

    def on_response(self, data: bytes) -> None:
        """Take what the server says."""


class ProxiedConnection:
    """One connection through the proxy: two sockets and two pumps."""

    def __init__(
        self,
        client: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        fates: tuple[DelayDraw | None, DelayDraw | None],
        listener: TrafficListener | None,
    ) -> None:
        self.there, self.back = fates
        """How late messages are; None: as the proxy's `way` says."""
        self.listener = listener
        self.deaf = False
        """What the client says goes nowhere."""
        self.mute = False
        """What the server says goes nowhere."""
        self.subscribed = False
        """Whether the client has asked for channels: then it is the link of an inbox, and not of calls."""
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
        """Let the listener hear.

        Raises:
            LinkBrokenError: what was said may not pass.

        """
        if self.listener is None:
            return
        if back:
            self.listener.on_response(data)
        elif not self.listener.on_request(data):
            raise LinkBrokenError
