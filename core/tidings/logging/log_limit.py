"""A limit on log lines that a client, a worker or a broken record can cause again and again."""

import time
from collections.abc import Callable
from typing import Any

import structlog

LINES = 5
"""Lines of one cause within a window."""

WINDOW_S = 10.0
"""How long a window lasts, from its first line on, s."""

MAX_CAUSES = 256
"""Causes with windows of their own at a time; all further causes share one."""

_OTHERS = ("", "")


class _Window:
    __slots__ = ("ends", "left_out", "lines")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.lines = 0
        self.left_out = 0


class LogLimiter:
    """Writes some lines of each cause in a window of time, and counts the others.

    A line `lines_left_out` says how many, once the window is over and the next line of any cause comes.
    """

    def __init__(
        self,
        logger: Any = None,
        *,
        lines: int = LINES,
        window_s: float = WINDOW_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            logger: a logger of structlog's; None: this module's.
            lines: of one cause in one window, from 1.
            window_s: how long a window lasts, s.
            clock: seconds, never going back.

        """
        self._log = structlog.get_logger() if logger is None else logger
        self._lines = lines
        self._window_s = window_s
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def info(self, event: str, *, cause: str = "", **fields: Any) -> None:
        """Write a line of level info, unless its cause has had its lines."""
        self._write("info", event, cause, fields)

    def warning(self, event: str, *, cause: str = "", **fields: Any) -> None:
        """Write a warning, unless its cause has had its lines."""
        self._write("warning", event, cause, fields)

    def error(self, event: str, *, cause: str = "", **fields: Any) -> None:
        """Write an error, unless its cause has had its lines.

        Args:
            event: the line's name.
            cause: distinguishes lines of one name; it has few values (a queue, not a job).
            fields: what the line says.

        """
        self._write("error", event, cause, fields)

    def _write(self, level: str, event: str, cause: str, fields: dict[str, Any]) -> None:
        now = self._clock()
        self._end_windows(now)
        window = self._window((event, cause), now)
        window.lines += 1
        if window.lines > self._lines:
            window.left_out += 1
        else:
            getattr(self._log, level)(event, **fields)

    def _window(self, cause: tuple[str, str], now: float) -> _Window:
        if cause not in self._windows and len(self._windows) >= MAX_CAUSES:
            cause = _OTHERS
        window = self._windows.get(cause)
        if window is None:
            window = self._windows[cause] = _Window(now + self._window_s)
        return window

    def _end_windows(self, now: float) -> None:
        for (event, cause), window in list(self._windows.items()):
            if now < window.ends:
                continue
            del self._windows[event, cause]
            if window.left_out:
                about = {"cause": cause} if cause else {}
                self._log.warning("lines_left_out", of=event, lines=window.left_out, seconds=self._window_s, **about)
