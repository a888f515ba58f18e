"""What a worker counts of the events that its groups handle."""

from collections.abc import Iterable

from tidings.metrics.instruments import Counter, Histogram, LabelNames
from tidings.metrics.metric_family import MetricFamily, counter_family, histogram_family
from tidings.store.groups.group_store import EventOutcome

_LABELS = {
    EventOutcome.DONE: "handled",
    EventOutcome.RETRY: "retrying",
    EventOutcome.BACK: "handed_back",
    EventOutcome.DEAD: "dead",
}


class EventMeter:
    """The meters of one worker process."""

    def __init__(self) -> None:
        names = LabelNames()
        self._lag = Histogram(
            "tidings_event_lag_seconds",
            "From when an event happened to when a handler began with it.",
            ("group",),
            names,
        )
        self._tries = Counter(
            "tidings_event_tries_total", "Tries of handlers of events, by how they ended.", ("group", "outcome"), names
        )
        self._missed = Counter(
            "tidings_events_missed_total",
            "Events that the store trimmed before their group had taken them, as this worker found.",
            ("group", "queue"),
            names,
        )

    def begin(self, groups: Iterable[str]) -> None:
        """Begin every series of some groups at 0, so that a first increase shows."""
        self._tries.begin((group, label) for group in groups for label in _LABELS.values())

    def began(self, group: str, lag_ms: int) -> None:
        """Note how late a handler began."""
        self._lag.of(group).observe(max(lag_ms, 0) / 1000, "")

    def ended(self, group: str, outcome: EventOutcome) -> None:
        """Count a try."""
        self._tries.add(group, _LABELS[outcome])

    def missed(self, group: str, queue: str, events: int) -> None:
        """Count missed events."""
        self._missed.add(group, queue, count=events)

    def families(self) -> list[MetricFamily]:
        """Return what was counted so far."""
        return [histogram_family(self._lag), counter_family(self._tries), counter_family(self._missed)]
