"""A closed loop over HTTP: each of a number of connections submits a job, reads its stream of events, and goes on."""

import asyncio
import time
from typing import cast
from urllib.parse import urlsplit

import msgspec

from tidings.protocol.states import TERMINAL

from .answer import Answers, End, Head
from .poll import PollTurn
from .run import Run
from .tally import Tally
from .wire import CONNECT_TIMEOUT_S

SOCKET_PATH = "/v1/socket"


class _Accepted(msgspec.Struct):
    """What is read of the answer to a submission."""

    token: str


_decode = msgspec.json.Decoder(_Accepted).decode


class StreamTurn:
    """One connection's job in flight. No I/O and no clock."""

    def __init__(self, tally: Tally, host: str, root: str, kind: str) -> None:
        """Prepare.

        Args:
            tally: what to count in.
            host: of the server, with its port.
            root: what the paths begin with, before `/v1`.
            kind: of the jobs.

        """
        self._tally = tally
        self._tail = f" HTTP/1.1\r\nHost: {host}\r\n".encode()
        self._root = root.encode()
        body = msgspec.json.encode({"kind": kind, "input": {}})
        self._post = (b"POST %b/v1/jobs%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b") % (
            self._root,
            self._tail,
            len(body),
            body,
        )
        self._streaming = False
        self._status = 0
        self._body = b""
        self._sent = 0.0
        self._progress = 0
        self._final = b""

    def begin(self, now: float) -> bytes:
        """Take note that the next job is submitted now; return the request."""
        self._sent = now
        self._streaming = False
        self._progress = 0
        self._final = b""
        return self._post

    def head(self, status: int) -> None:
        """Take the status of the answer."""
        self._status = status
        self._body = b""

    def body(self, data: bytes, now: float) -> None:
        """Take some of its body."""
        self._body += data
        if not self._streaming:
            return
        *events, self._body = self._body.split(b"\n\n")
        for event in events:
            self._event(event, now)

    def end(self, now: float) -> bytes:
        """Take note that the answer is over; return the next request."""
        if not self._streaming and self._status == 202:
            self._tally.acked(now - self._sent)
            self._streaming = True
            token = _decode(self._body).token.encode()
            return b"GET %b/v1/jobs/%b/events%bAccept: text/event-stream\r\n\r\n" % (self._root, token, self._tail)
        if self._final != b"succeeded":
            self._tally.errors += 1
        return self.begin(now)

    def _event(self, event: bytes, now: float) -> None:
        name = event.partition(b"event: ")[2].partition(b"\n")[0]
        if self._final:  # nothing may follow the last event
            self._tally.errors += 1
        elif name == b"progress":
            self._progress += 1
        elif name.decode() in TERMINAL:
            self._final = name
            if name == b"succeeded":
                self._tally.ended(now - self._sent, self._progress)


class StreamLane(asyncio.Protocol):
    """One connection, kept alive, and its turns."""

    def __init__(self, run: Run, kind: str, turn: type[StreamTurn | PollTurn]) -> None:
        parts = urlsplit(run.next_url())
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._tally = run.tally
        self._turn = turn(run.tally, parts.netloc, parts.path.removesuffix(SOCKET_PATH), kind)
        self._answers = Answers()
        self._transport: asyncio.Transport | None = None
        self._closing = False

    async def open(self) -> None:
        """Connect."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().create_connection(lambda: self, self._host, self._port)

    def begin(self) -> None:
        """Submit a job."""
        self._write(self._turn.begin(time.perf_counter()))

    def close(self) -> None:
        """Drop the connection."""
        self._closing = True
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what came, and ask on."""
        now = time.perf_counter()
        for part in self._answers.feed(data):
            if isinstance(part, Head):
                self._turn.head(part.status)
            elif isinstance(part, End):
                self._write(self._turn.end(now))
            else:
                self._turn.body(part, now)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it."""
        if not self._closing:
            self._tally.errors += 1

    def _write(self, data: bytes) -> None:
        assert self._transport is not None
        self._transport.write(data)


async def run_lanes(run: Run, *, turn: type[StreamTurn | PollTurn], connections: int) -> None:
    """Keep one job with three progress events in flight on each of some connections while the run measures."""
    lanes = [StreamLane(run, "three_steps", turn) for _ in range(connections)]
    await asyncio.gather(*(lane.open() for lane in lanes))
    for lane in lanes:
        lane.begin()
    await run.measure()
    for lane in lanes:
        lane.close()
