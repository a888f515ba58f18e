"""One connection on which calls are written as they come, and answered in the same order.

redis-py makes the connection (address, TLS, credentials, database); from then on its transport is ours: a call is
one `write`, and what comes goes straight from the event loop to hiredis' parser and to the caller. The way of a
command through redis-py (a connection taken and given back, locks, retries, time limits, metrics) costs several times
that.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import hiredis
from redis.exceptions import InvalidResponse

from tidings.store.availability.store_errors import (
    StoreClosedError,
    StoreDemotedError,
    StoreError,
    StoreUnavailableError,
    StoreUnsentError,
    refusal,
    translate,
)
from tidings.store.availability.store_health import StoreHealth

from .encoding.command_bytes import LARGE_BYTES, command_pieces

Connect = Callable[[], Awaitable[asyncio.StreamWriter]]
"""Makes a connection, ready for commands; nothing of it has been read ahead."""

READ_BYTES: Final = 262_144
"""What is read at a time at the most."""


class PendingCommand:
    """One command on its way to the store, and who takes its answer."""

    __slots__ = ("args", "due", "future", "key", "take")

    def __init__(
        self,
        args: tuple[str | bytes | int, ...],
        take: Callable[[Any], None],
        future: "asyncio.Future[Any] | None" = None,
        key: str = "",
    ) -> None:
        """Prepare.

        Args:
            args: the command and its arguments.
            take: gets the answer, or the `StoreError`; must not block and must not raise.
            future: if it is done before the command could be sent, no caller wants it any more, and it is not sent.
            key: in a cluster, what the node must hold that gets the command; empty: the key that the command names.

        """
        self.args: tuple[str | bytes | int, ...] = args
        self.take: Callable[[Any], None] = take
        self.future: asyncio.Future[Any] | None = future
        self.key: str = key
        self.due: float = float("inf")
        """When the answer must be there, by the clock of the event loop, s."""


class _Writable(Protocol):
    """What takes bytes for the store."""

    def write(self, data: bytes, /) -> None:
        """Take some."""

    def writelines(self, pieces: list[bytes], /) -> None:
        """Take some that follow each other."""


class _JoinedWrites:
    """Keeps what is written, for one write of all."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []

    def write(self, data: bytes, /) -> None:
        """Keep some bytes."""
        self.texts.append(data)

    def writelines(self, pieces: list[bytes], /) -> None:
        """Keep some bytes that follow each other."""
        self.texts += pieces


class PipelinedConnection(asyncio.BufferedProtocol):
    """The life of one connection, from its making to its end; after that it answers every call with an error.

    What waits in it is bounded by those who call: a batcher has one call under way, and so has a task.
    """

    def __init__(self, connect: Connect, health: StoreHealth, timeout_s: float | None) -> None:
        """Begin to connect.

        Args:
            connect: makes the connection.
            health: hears what becomes of every call.
            timeout_s: how long an answer may take, s; None: for ever. Past it the connection is thrown away, and so
                are the calls behind: their answers could only come after the one that does not.

        """
        self._loop = asyncio.get_running_loop()
        self._health = health
        self._timeout_s = timeout_s
        self._unsent: list[PendingCommand] = []
        self._sent: deque[PendingCommand] = deque()
        self._writer: asyncio.StreamWriter | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._reader = hiredis.Reader(protocolError=InvalidResponse, replyError=refusal)
        # A view: asyncio's TLS goes on where a record ended by a slice, which of a bytearray would be a copy.
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._timer: asyncio.TimerHandle | None = None
        self._fault: StoreError | None = None
        self._connecting = asyncio.ensure_future(connect())
        self._connecting.add_done_callback(self._connected)

    @property
    def over(self) -> bool:
        """Whether it has ended, or is about to: another is needed."""
        return self._fault is not None or (self._transport is not None and self._transport.is_closing())

    @property
    def stands(self) -> bool:
        """Whether it is connected, or was."""
        return self._transport is not None

    @property
    def idle(self) -> bool:
        """Whether it stands and nothing is under way on it."""
        return self._transport is not None and not self._sent and not self.over

    def concerns(self, prefix: str) -> bool:
        """Return whether a command is under way that names a key which begins so."""
        return any(
            isinstance(arg, str) and arg.startswith(prefix)
            for call in (*self._sent, *self._unsent)
            for arg in call.args
        )

    def send(self, call: PendingCommand) -> None:
        """Send a call, as soon as there is a connection."""
        if self._fault is not None:
            self._fail(call, self._fault)
        elif self._transport is None:
            self._unsent.append(call)
        else:
            self._write(call, self._transport)

    def send_together(self, calls: Sequence[PendingCommand]) -> None:
        """Send calls behind each other in one write, as soon as there is a connection."""
        if self._fault is not None or self._transport is None:
            for call in calls:
                self.send(call)
        else:
            joined = _JoinedWrites()
            for call in calls:
                self._write(call, joined)
            try:
                self._transport.writelines(joined.texts)
            except (OSError, RuntimeError) as error:
                self.end(translate(error))

    def end(self, fault: StoreError) -> None:
        """Throw the connection away; commands under way fail with `fault`, which the health counts."""
        if self._fault is not None:
            return
        self._fault = fault
        self._connecting.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        calls = [*self._sent, *self._unsent]
        self._sent.clear()
        self._unsent.clear()
        for call in calls:
            self._fail(call, fault)

    # Connecting.

    def _connected(self, connecting: "asyncio.Future[asyncio.StreamWriter]") -> None:
        if connecting.cancelled():
            self.end(StoreClosedError("the connection was given up before it stood"))
            return
        error = connecting.exception()
        if error is not None:
            self.end(error if isinstance(error, StoreError) else translate(error))
            return
        # Kept, as Python closes the transport of a writer that no object holds any more.
        self._writer = connecting.result()
        self._transport = transport = self._writer.transport
        if self._fault is not None:
            transport.abort()
            return
        if transport.is_closing():
            self.end(StoreUnavailableError("the store closed the connection"))
            return
        transport.set_protocol(self)
        unsent, self._unsent = self._unsent, []
        for call in unsent:
            if call.future is None or not call.future.done():
                self.send(call)

    # Writing.

    def _write(self, call: PendingCommand, transport: "_Writable") -> None:
        self._sent.append(call)
        if self._timeout_s is not None:
            call.due = self._loop.time() + self._timeout_s
            if self._timer is None:
                self._timer = self._loop.call_later(self._timeout_s, self._look)
        try:
            last = call.args[-1]  # where anything is large, that is
            if isinstance(last, bytes) and len(last) >= LARGE_BYTES:
                transport.writelines(command_pieces(call.args))
            else:
                transport.write(hiredis.pack_command(call.args))  # type: ignore[arg-type] # one of any length
        except (OSError, RuntimeError) as error:  # uvloop raises the latter where the connection was reset before
            self.end(translate(error))

    def _look(self) -> None:
        """See whether the oldest call is late: one timer for all calls, as nearly none of them ever is."""
        self._timer = None
        if not self._sent:
            return
        wait = self._sent[0].due - self._loop.time()
        if wait > 0:
            self._timer = self._loop.call_later(wait, self._look)
        else:
            self.end(StoreUnavailableError(f"the store did not answer within {self._timeout_s:g} s"))

    # Reading.

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where the event loop puts what comes: always the same place, which the parser copies from."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what came, and hand on the answers that it completes."""
        reader, sent = self._reader, self._sent
        reader.feed(self._buffer, 0, nbytes)  # type: ignore[arg-type] # it takes any buffer
        try:
            while (answer := reader.gets()) is not False:
                if not sent:
                    self.end(StoreUnavailableError("the store said something unasked"))
                    return
                call = sent.popleft()
                if isinstance(answer, StoreError):
                    self._fail(call, answer)
                    if isinstance(answer, StoreDemotedError):
                        self.end(StoreUnavailableError(f"it was behind a refusal: {answer}"))
                        return
                else:
                    self._health.answered(call.args[:2])
                    call.take(answer)
        except InvalidResponse as error:
            self.end(translate(error))

    def eof_received(self) -> None:
        """Let the transport close."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is under way."""
        self.end(translate(exc) if exc is not None else StoreUnavailableError("the store closed the connection"))

    def _fail(self, call: PendingCommand, error: StoreError) -> None:
        if not isinstance(error, (StoreClosedError, StoreUnsentError)):
            self._health.failed(call.args[:2], error)
        call.take(error)
