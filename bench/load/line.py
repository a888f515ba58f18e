"""One socket with many jobs in flight."""

import asyncio
import time
from collections.abc import Callable

from .book import Book
from .frame import Limits, decode, submit_of
from .run import Run
from .wire import WireClient


class Line:
    """A socket, what is known of its jobs, and what the system allows it."""

    def __init__(self, run: Run, kind: str, on_news: Callable[["Line"], None]) -> None:
        """Prepare.

        Args:
            run: where to, and what to count in.
            kind: of the jobs.
            on_news: called after each frame that came, and when the socket is lost.

        """
        self.book = Book(run.tally)
        self.limits = Limits()
        self.lost = False
        self._url = run.next_url()
        self._tally = run.tally
        self._submit = submit_of(kind)
        self._on_news = on_news
        self._client = WireClient(self._text, self._lose)

    async def open(self, source: str = "") -> None:
        """Connect, from an address of this machine if one is given."""
        await self._client.connect(self._url, source)

    def submit(self, intended: float, *, counted: bool) -> None:
        """Submit a job that was meant for the moment `intended`."""
        self._client.send(self._submit % self.book.submit(intended, counted=counted))

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _text(self, payload: bytes) -> None:
        frame = decode(payload)
        if frame.limits is not None:
            self.limits = frame.limits
        self.book.receive(frame, time.perf_counter())
        self._on_news(self)

    def _lose(self) -> None:
        self._tally.errors += 1
        self.lost = True
        self._on_news(self)


async def open_lines(run: Run, kind: str, count: int, on_news: Callable[[Line], None]) -> list[Line]:
    """Return so many open sockets."""
    lines = [Line(run, kind, on_news) for _ in range(count)]
    await asyncio.gather(*(line.open() for line in lines))
    return lines
