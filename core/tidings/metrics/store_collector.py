"""The collector: reads the store in the background for pages of metrics, so that no page waits for a slow store."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio
import structlog

from tidings.store.availability.store_errors import StoreError

from .metric_family import MetricFamily, gauge, store_up
from .store_liveness import StoreLiveness

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

PAGE_WAIT_S = 0.5
"""How long a page waits for the store at the most; then it shows what was read before, and how old that is."""

READING_FRESH_S = 1.0
"""How old a reading may be without a page waiting for another."""

REST_FACTOR = 4
"""A reading that takes longer than a page waits is followed by a rest of so many times its length."""

KEEP_READING_S = 300.0
"""How long after the last page slow readings go on: the next page then finds one that is as recent as it can be."""


class Reading(NamedTuple):
    """What was read."""

    began: float
    """When, by this machine's clock that never goes back, s."""
    took: float
    """s."""
    families: list[MetricFamily]


class StoreCollector:
    """Reads when a page is asked for, one reading at a time; `run` does the reading."""

    def __init__(self, liveness: StoreLiveness, read: Callable[[], Awaitable[list[MetricFamily]]]) -> None:
        """Prepare.

        Args:
            liveness: tells whether the store is up.
            read: reads what lies in the store; raises `StoreError`.

        """
        self._liveness = liveness
        self._read = read
        self._last: Reading | None = None
        self._asked_at = -math.inf
        self._wanted = asyncio.Event()
        self._ended = asyncio.Event()
        """Whether a reading has ended since a page began to wait."""
        self._broken = False
        """Whether the last reading failed by a defect, which is logged."""

    async def families(self) -> list[MetricFamily]:
        """Return what is known of the store, after `WITHIN_S` at the most; of one that is down only that it is."""
        give_up = time.monotonic() + PAGE_WAIT_S
        if not await self._liveness.is_up(PAGE_WAIT_S):
            return [store_up(answers=False)]
        self._asked_at = time.monotonic()
        if self._last is None or self._asked_at - self._last.began > READING_FRESH_S:
            self._ended.clear()
            self._wanted.set()
            with anyio.move_on_after(give_up - self._asked_at):
                await self._ended.wait()
        if self._last is None:
            return [store_up(answers=True)]
        age = time.monotonic() - self._last.began
        meaning = "How long ago the reading of the store began that this page shows."
        return [store_up(answers=True), gauge("tidings_store_read_age_seconds", meaning, age), *self._last.families]

    async def run(self) -> None:
        """Read whenever it is wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            took = await self._read_once()
            while took > PAGE_WAIT_S and time.monotonic() - self._asked_at < KEEP_READING_S:
                await anyio.sleep(REST_FACTOR * took)
                took = await self._read_once()

    async def _read_once(self) -> float:
        """Read, and keep what was read; return how long that took, s."""
        self._wanted.clear()
        began = time.monotonic()
        try:
            families = await self._read()
        except StoreError as error:
            log.debug("store_not_read", error=str(error))
        except Exception:
            # A defect, or foreign data in the store, must not end the process; the age of the reading shows it.
            if not self._broken:
                log.exception("store_not_read")
            self._broken = True
        else:
            self._broken = False
            self._last = Reading(began, time.monotonic() - began, families)
        self._ended.set()
        return time.monotonic() - began
