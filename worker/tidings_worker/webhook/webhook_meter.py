"""What a worker counts of deliveries, for its page of metrics."""

from tidings.metrics.instruments import Counter, Histogram, LabelNames
from tidings.metrics.metric_family import MetricFamily, counter_family, histogram_family

OUTCOMES = ("delivered", "retried", "dead", "lost")


class WebhookMeter:
    """The meters of the deliveries of one worker process."""

    def __init__(self) -> None:
        names = LabelNames()
        self._ends = Counter(
            "tidings_webhooks_total",
            "Tries of deliveries to webhooks, by how they ended; `lost`: after its lease, when others may try too.",
            ("outcome",),
            names,
        )
        self._ends.begin((outcome,) for outcome in OUTCOMES)
        self._tries = Histogram(
            "tidings_webhook_try_seconds", "How long one try of a delivery took.", ("outcome",), names
        )
        self._delays = Histogram(
            "tidings_webhook_delay_seconds",
            "From the event of a job to when its receiver had taken the delivery; by the store's clock and this "
            "machine's.",
            ("outcome",),
            names,
        )

    def tried(self, seconds: float) -> None:
        """Count a try."""
        self._tries.of("tried").observe(seconds)

    def ended(self, outcome: str, delay_s: float) -> None:
        """Count how a try ended; delay_s: since the event, of one that was delivered."""
        self._ends.add(outcome)
        if outcome == "delivered":
            self._delays.of(outcome).observe(delay_s)

    def families(self) -> list[MetricFamily]:
        """Return what was counted so far."""
        return [counter_family(self._ends), histogram_family(self._tries), histogram_family(self._delays)]
