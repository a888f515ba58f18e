"""The transports of a socket: through any ASGI server, or straight through uvicorn's protocol."""

import time
from abc import ABC, abstractmethod
from typing import Protocol

import anyio
import anyio.abc
from starlette.types import Receive, Send

from tidings.metrics.instruments import HistogramSeries

from .session import Session


class TransportOwner(Protocol):
    """The socket whose messages a transport carries."""

    session: Session
    """Its send buffer holds the frames to send; its close code, once set, is the code that closes the transport."""

    def open(self, transport: "SocketTransport") -> None:
        """Begin: the transport can send."""

    def received(self, data: str | bytes | bytearray, *, binary: bool = False) -> None:
        """Take a message; must not block.

        Args:
            data: a text, also as its UTF-8; or what a binary message holds. It does not change any more.
            binary: whether it is a binary message.

        """

    def controlled(self) -> None:
        """Take note of a control frame or of a fragment, which no other part sees or counts."""

    def lost(self) -> None:
        """Take note that nothing more comes or goes."""


class SocketTransport(ABC):
    """One open WebSocket."""

    __slots__ = ("_acks", "sent_at")

    def __init__(self) -> None:
        self.sent_at = time.monotonic()
        """When something was last sent, by this process's monotonic clock, s."""
        self._acks: list[tuple[HistogramSeries, float, str]] | None = None
        """For each ack that waits to be sent: its histogram, when its submit was read, and its trace."""

    def acked(self, series: HistogramSeries, read_at: float, trace: str) -> None:
        """Measure how long an ack took, as soon as the frames that wait have been sent."""
        if self._acks is None:
            self._acks = []
        self._acks.append((series, read_at, trace))

    @abstractmethod
    def flush(self) -> None:
        """Send the frames that wait, and close if the session says so; returns at once."""

    @abstractmethod
    def tick(self, now: float) -> None:
        """Ping, and give up a peer that is gone; called about once a second with the monotonic clock."""

    def _count_acks(self) -> None:
        if self._acks is not None:
            for series, read_at, trace in self._acks:
                series.observe(self.sent_at - read_at, trace)
            self._acks = None


class AsgiTransport(SocketTransport):
    """A transport under any ASGI server: one task that reads, and one that writes while there is something to send."""

    __slots__ = ("_owner", "_send", "_tasks", "_write_timeout_s", "_writing")

    def __init__(self, owner: TransportOwner, send: Send, tasks: anyio.abc.TaskGroup, write_timeout_s: float) -> None:
        super().__init__()
        self._write_timeout_s = write_timeout_s
        self._owner = owner
        self._send = send
        self._tasks = tasks
        self._writing = False

    async def read(self, receive: Receive) -> None:
        """Pass messages on, until the client has gone."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            self._owner.received(text if text is not None else message["bytes"], binary=text is None)

    def flush(self) -> None:
        """Start the writer, if none is at work."""
        if not self._writing:
            self._writing = True
            self._tasks.start_soon(self._write, name="socket writer")

    def tick(self, now: float) -> None:
        """Do nothing: the ASGI server pings, and each write has a limit of its own."""

    async def _write(self) -> None:
        session = self._owner.session
        try:
            while session.send_buffer:
                for frame in session.send_buffer.take():
                    with anyio.fail_after(self._write_timeout_s):
                        await self._send({"type": "websocket.send", "text": frame.text})
                self.sent_at = time.monotonic()
            self._count_acks()
            if session.close_code is not None:
                await self._send({"type": "websocket.close", "code": session.close_code})
                self._tasks.cancel_scope.cancel()
        except (TimeoutError, OSError):
            self._tasks.cancel_scope.cancel()  # the client does not read, or is gone
        finally:
            self._writing = False
