"""The counters and histograms of a server, for its page of metrics."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from tidings.metrics.instruments import Counter, Histogram, HistogramSeries, LabelNames
from tidings.metrics.metric_family import MetricFamily, counter_family, histogram_family
from tidings.protocol.events import EventClass
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.store.redis.store_clock import StoreClock

_AT = '"at":"'
_AT_LENGTH = len("2026-01-01T00:00:00.000Z")


class ServerMeter:
    """The meters of one server process."""

    def __init__(self) -> None:
        self.ack = Histogram(
            "tidings_ack_seconds",
            "From when a submit was read to when its ack was written.",
            ("kind", "tier"),
            LabelNames(),
        )
        self.notify = Histogram(
            "tidings_notify_seconds",
            "From when the store published an event to when this server wrote it to a client.",
            ("event",),
            LabelNames(),
        )
        self.slow = Counter(
            "tidings_slow_consumers_total", "Clients that were sent away because they read too slowly.", ("transport",)
        )
        self.slow.begin([("socket",), ("stream",)])

    def know(self, kinds: Iterable[KindRecord]) -> None:
        """Show the acks of some kinds with 0 before the first ack."""
        self.ack.begin((record.kind, tier) for record in kinds for tier in record.tiers)

    def families(self) -> list[MetricFamily]:
        """Return the counts so far."""
        return [histogram_family(self.ack), histogram_family(self.notify), counter_family(self.slow)]


class NotifyLatency:
    """Measures how long events take from the store to clients, once for each message of the inbox.

    The store publishes the events of a message at one moment, and the server writes their frames at the end of the
    event loop's turn that takes the message. The time that a slow client takes to read them is not counted.
    """

    def __init__(self, notify: Histogram, clock: StoreClock) -> None:
        self._clock = clock
        self._series: list[tuple[int, HistogramSeries]] = [(one, notify.of(one.name.lower())) for one in EventClass]
        self._loop: asyncio.AbstractEventLoop | None = None

    def passed(self, frame: str, classes: list[int]) -> None:
        """Measure events that the server has passed on.

        Args:
            frame: the frame of one event, which says when it was published.
            classes: the class of each.

        """
        if self._loop is None:  # finding the running loop costs more than all the rest
            self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._written, frame, classes)

    def _written(self, frame: str, classes: list[int]) -> None:
        """Count the events. Their frames have been written: the loop runs this after the callbacks that write them."""
        now = self._clock.now()
        start = frame.find(_AT) + len(_AT)
        if now is None:
            return
        took = max(now - datetime.fromisoformat(frame[start : start + _AT_LENGTH]).timestamp(), 0.0)
        for event_class, series in self._series:
            count = classes.count(event_class)
            if count:
                series.observe_many(took, count)
