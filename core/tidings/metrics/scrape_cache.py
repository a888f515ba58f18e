"""The answers to scrapers of metrics, made once a second at the most, however many scrape, and written in a thread."""

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from .metric_family import MetricFamily

if TYPE_CHECKING:
    from .exposition import MetricsPage

PAGE_CACHE_S = 1.0
"""How old an answer may be: scrapes that come together cost the process, and the store, one."""


class ScrapeCache:
    """The pages of one process."""

    def __init__(self, families: Callable[[], Awaitable[list[MetricFamily]]]) -> None:
        """Prepare; families: gathers what there is to tell."""
        self._families = families
        self._pages: dict[bool, tuple[float, MetricsPage]] = {}
        """Whether OpenMetrics was asked for → when it was, and the page."""
        self._making = anyio.Lock()

    async def page(self, accept: str) -> "MetricsPage":
        """Return the page for a request with that header `Accept`.

        Versions and weights are ignored: every client that names OpenMetrics reads its version 1.0.
        """
        openmetrics = "application/openmetrics-text" in accept
        async with self._making:
            at, page = self._pages.get(openmetrics, (float("-inf"), None))
            now = time.monotonic()
            if page is None or now - at >= PAGE_CACHE_S:
                page = await anyio.to_thread.run_sync(_write, await self._families(), openmetrics)
                self._pages[openmetrics] = now, page
        return page


def _write(families: list[MetricFamily], openmetrics: bool) -> "MetricsPage":
    from .exposition import write_page  # noqa: PLC0415 - only a process that is asked needs Prometheus' library

    return write_page(families, openmetrics=openmetrics)
