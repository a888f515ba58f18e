"""A closed loop: each of a number of sockets submits a job, waits for its end, and submits the next."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from tidings.protocol.states import TERMINAL

from .frame import Frame, decode, submit_of
from .run import Run
from .tally import Tally
from .wire import WireClient

OPEN_AT_ONCE = 200
"""Connections that are being opened at a time."""


class Turn:
    """One socket's job in flight. No I/O and no clock, so that what it counts can be tested."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.ref = 0
        self._token: str | None = None
        self._earlier: str | None = None
        self._sent = 0.0
        self._seq = 0
        self._progress = 0

    def begin(self, now: float) -> int:
        """Take note that the next job is submitted now; return the ref to give it."""
        self._earlier, self._token = self._token, None
        self._sent = now
        self._seq = self._progress = 0
        self.ref += 1
        return self.ref

    def receive(self, frame: Frame, now: float) -> bool:
        """Count a frame; return whether it was the job's last."""
        match frame.type:
            case "event":
                return self._event(frame, now)
            case "ack":
                self._ack(frame, now)
            case "error":
                self._tally.errors += 1
                return frame.ref == self.ref
            case "goaway" | "snapshot":  # neither was asked for
                self._tally.errors += 1
        return False

    def _ack(self, frame: Frame, now: float) -> None:
        if frame.ref == self.ref:  # else its events were early, and so was its end
            self._token = frame.token
            self._tally.acked(now - self._sent)

    def _event(self, frame: Frame, now: float) -> bool:
        if frame.token == self._earlier:  # nothing may follow the last event of a job
            self._tally.errors += 1
            return False
        if frame.token != self._token:
            self._tally.early += 1
        if frame.seq <= self._seq:
            self._tally.errors += 1
        self._seq = frame.seq
        if frame.event == "progress":
            self._progress += 1
        if frame.event not in TERMINAL:
            return False
        if frame.event == "succeeded":
            self._tally.ended(now - self._sent, self._progress)
        else:
            self._tally.errors += 1
        return True


class Lane:
    """One socket and its turns."""

    def __init__(self, run: Run, submit: bytes, on_end: Callable[[], None]) -> None:
        self._url = run.next_url()
        self._tally = run.tally
        self._turn = Turn(run.tally)
        self._submit = submit
        self._on_end = on_end
        self._client = WireClient(self._text, self._lost)

    async def open(self) -> None:
        """Connect."""
        await self._client.connect(self._url)

    def begin(self) -> None:
        """Submit a job."""
        self._client.send(self._submit % self._turn.begin(time.perf_counter()))

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _text(self, payload: bytes) -> None:
        if self._turn.receive(decode(payload), time.perf_counter()):
            self._on_end()
            self.begin()

    def _lost(self) -> None:
        self._tally.errors += 1


@asynccontextmanager
async def looping(
    run: Run,
    kinds: str | Sequence[str],
    sockets: int,
    on_end: Callable[[], None] = lambda: None,
    tag: str = "",
    webhook: str = "",
    input_json: str = "{}",
) -> AsyncIterator[None]:
    """Keep one job in flight on each of so many sockets, around the body.

    Args:
        run: where to, and what to count in.
        kinds: of the jobs; of several, each socket has one, in turn.
        sockets: how many.
        on_end: called at each job's end.
        tag: of the jobs; empty: none.
        webhook: of the jobs; empty: none.
        input_json: of the jobs.

    """
    names = [kinds] if isinstance(kinds, str) else kinds
    frames = [submit_of(name, tag, webhook, input_json) for name in names]
    lanes = [Lane(run, frames[number % len(frames)], on_end) for number in range(sockets)]
    run.allow(sockets / 100)
    try:
        for first in range(0, sockets, OPEN_AT_ONCE):
            await asyncio.gather(*(lane.open() for lane in lanes[first : first + OPEN_AT_ONCE]))
        for lane in lanes:
            lane.begin()
        yield
    finally:
        for lane in lanes:
            lane.close()


async def closed_loop(
    run: Run,
    kinds: str | Sequence[str],
    sockets: int,
    case: str = "",
    more: Mapping[str, float] | None = None,
    tag: str = "",
    webhook: str = "",
) -> None:
    """Keep one job in flight on each of so many sockets, and measure; see `looping`."""
    async with looping(run, kinds, sockets, tag=tag, webhook=webhook):
        await run.measure(case, more)
