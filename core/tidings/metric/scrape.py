"""Answers to whoever asks for metrics: made once a second at the most, however many ask, and written in a thread."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from .family import Family

if TYPE_CHECKING:
    from .page import Page

FRESH_S = 1.0
"""How old an answer may be: scrapes that come together cost the process, and the store, one."""


class Scrape:
    """The pages of one process."""

    def __init__(self, families: Callable[[], Awaitable[list[Family]]]) -> None:
        """Prepare; families: gathers what there is to tell."""
        self._families = families
        self._pages: dict[bool, tuple[float, Page]] = {}
        """Whether OpenMetrics was asked for → when it was, and the page."""
        self._making = anyio.Lock()

    async def page(self, accept: str) -> "Page":
        """Return the page for a request with that header `Accept`.

        What it says of versions and weights is left aside: whoever names OpenMetrics reads its version 1.0.
        """
        openmetrics = "application/openmetrics-text" in accept
        async with self._making:
            at, page = self._pages.get(openmetrics, (float("-inf"), None))
            now = time.monotonic()
            if page is None or now - at >= FRESH_S:
                page = await anyio.to_thread.run_sync(_write, await self._families(), openmetrics)
                self._pages[openmetrics] = now, page
        return page


def _write(families: list[Family], openmetrics: bool) -> "Page":
    from .page import write  # noqa: PLC0415 - only a process that is asked needs Prometheus' library

    return write(families, openmetrics=openmetrics)
