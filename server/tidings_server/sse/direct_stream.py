"""A stream of server-sent events that is written without a task: one write for all that came in a turn of the loop."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.web.send.direct_body import DirectBody
from tidings_server.web.send.end_calls import EndCalls

LEAST_WAIT_S = 0.01
"""The shortest wait for what is due: clocks may be coarse."""

WRITE_CHARACTERS = 65_536
"""What is handed to the connection at a time, about; more waits in the stream, where it is counted and coalesced."""


class StreamContent(Protocol):
    """What is written in a stream: see `EventStream`."""

    on_news: Callable[[], None] | None

    @property
    def granted(self) -> object:
        """The watches that stand by grants; None: there are none."""

    def first_piece(self) -> str:
        """Return what the stream begins with."""

    def next_piece(self) -> str:
        """Return a piece of what waits; empty: nothing does."""

    def over(self) -> bool:
        """Return whether nothing more is to come."""

    def last_piece(self) -> str:
        """Return what the stream ends with."""

    def due_s(self, silent_s: float = 0) -> float:
        """Return for how long there is nothing to do, s."""

    def sign_of_life(self, silent_s: float) -> str:
        """Return what breaks a silence; empty: nothing is due."""


class DirectStream:
    """Writes one client's stream: at the end of each turn in which there is news, and when something is due."""

    __slots__ = ("_body", "_leave", "_loop", "_over", "_scheduled", "_stream", "_text", "_timer", "_written_at")

    def __init__(self, stream: StreamContent, body: DirectBody, leave: EndCalls) -> None:
        """Prepare.

        Args:
            stream: says what is to be written.
            body: writes it.
            leave: undone when the stream has ended.

        """
        self._stream = stream
        self._body = body
        self._leave = leave
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._text = ""
        """What has been taken from the stream, and not been written as yet."""
        self._scheduled = False
        self._over = False
        self._written_at = self._loop.time()

    def begin(self) -> None:
        """Write what the stream begins with, and what comes."""
        self._stream.on_news = self._flush
        self._text = self._stream.first_piece()
        self._body.open(self)
        self._write()

    # What the connection calls.

    def resumed(self) -> None:
        """Go on: the client has read."""
        self._flush()

    def lost(self) -> None:
        """Stop listening to everything: the client has gone."""
        self._close()

    # Private.

    def _flush(self) -> None:
        """Write at the end of this turn of the event loop, when all its events wait."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        """Write what waits, as far as the client keeps up, and end where the stream is over."""
        self._scheduled = False
        if self._over:
            return
        try:
            self._write_pieces()
        except Exception as error:  # noqa: BLE001 - the border of one stream: an event loop has no use for it
            unexpected_problem("stream", error)
            self._close()
            self._body.abort()

    def _write_pieces(self) -> None:
        stream, body = self._stream, self._body
        while body.writable:
            piece = stream.next_piece()
            self._text += piece
            if piece and len(self._text) < WRITE_CHARACTERS:
                continue
            if not piece and stream.over():
                self._close()
                body.end((self._text + stream.last_piece()).encode())
                return
            if self._text:
                text, self._text = self._text, ""
                body.write(text.encode())
                self._written_at = self._loop.time()
            if not piece:
                self._arm()
                return

    def _arm(self) -> None:
        """See that what is due by the clock is done; news alone moves only what a grant makes due."""
        if self._timer is not None:
            if self._stream.granted is None:
                return
            self._timer.cancel()
        due_s = self._stream.due_s(self._loop.time() - self._written_at)
        self._timer = self._loop.call_later(max(due_s, LEAST_WAIT_S), self._due)

    def _due(self) -> None:
        """Write a sign of life, or the end, as is due. A client that does not read has its own time limit."""
        self._timer = None
        if self._body.writable:
            self._text += self._stream.sign_of_life(self._loop.time() - self._written_at)
            self._write()

    def _close(self) -> None:
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._stream.on_news = None
        self._leave.close()
