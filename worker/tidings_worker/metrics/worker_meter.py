"""The counters and histograms of a worker, for its page of metrics. All times are the store's."""

from collections.abc import Iterable

from tidings.metrics.instruments import Counter, Histogram, LabelNames
from tidings.metrics.metric_family import MetricFamily, counter_family, histogram_family, observation_count_family
from tidings.protocol.states import TERMINAL, State
from tidings.protocol.trace_context import trace_id_of

_PLACE = ("kind", "tier")
_ENDS = (*_PLACE, "outcome")


class WorkerMeter:
    """The meters of one worker process."""

    def __init__(self) -> None:
        names = LabelNames()
        self._wait = Histogram(
            "tidings_queue_wait_seconds", "From when a job was queued to when this worker started it.", _PLACE, names
        )
        self._run = Histogram(
            "tidings_run_seconds", "From when this worker started an attempt to when it had ended.", _ENDS, names
        )
        self._total = Histogram(
            "tidings_total_seconds", "From when a job was submitted to when it had ended for good.", _ENDS, names
        )
        self._jobs = Counter("tidings_jobs_total", "Jobs that have ended for good on this worker.", _ENDS, names)
        """Gives each series its beginning at 0. The histogram of totals counts the jobs themselves."""
        self._retries = Counter(
            "tidings_retries_total", "Attempts that failed and will be followed by another.", _PLACE, names
        )
        self._redeliveries = Counter(
            "tidings_redeliveries_total", "Jobs started here because the worker that had them was lost.", _PLACE, names
        )

    def begin(self, places: Iterable[tuple[str, str]]) -> None:
        """Begin at 0 every series that the jobs of some kinds and tiers may need, so that a first increase shows.

        Of the histograms only that of jobs that succeed begins so: each has two dozen lines.
        """
        found = list(places)
        for counter in (self._retries, self._redeliveries):
            counter.begin(found)
        self._jobs.begin((*place, outcome) for place in found for outcome in sorted(TERMINAL))
        self._total.begin((*place, State.SUCCEEDED) for place in found)

    def began(self, kind: str, tier: str, waited_ms: int, traceparent: str) -> None:
        """Count an attempt that starts."""
        trace = trace_id_of(traceparent) if traceparent else ""
        self._wait.of(kind, tier).observe(waited_ms / 1000, trace)

    def redelivered(self, kind: str, tier: str) -> None:
        """Count an attempt whose job a lost worker had before."""
        self._redeliveries.add(kind, tier)

    def ended(self, where: tuple[str, str, str], run_ms: int, total_ms: int, traceparent: str) -> None:
        """Count an attempt that has ended, and its job if that has.

        Args:
            where: kind, tier and how the attempt ended (`Attempt.outcome_label`).
            run_ms: since the attempt was started.
            total_ms: since the job was submitted.
            traceparent: the job's trace; empty: none.

        """
        trace = trace_id_of(traceparent) if traceparent else ""
        self._run.of(*where).observe(run_ms / 1000, trace)
        kind, tier, outcome = where
        if outcome in TERMINAL:
            self._total.of(*where).observe(total_ms / 1000, trace)
        elif outcome == "retrying":
            self._retries.add(kind, tier)

    def families(self) -> list[MetricFamily]:
        """Return what was counted so far."""
        return [
            histogram_family(self._wait),
            histogram_family(self._run),
            histogram_family(self._total),
            observation_count_family(self._total, self._jobs),
            counter_family(self._retries),
            counter_family(self._redeliveries),
        ]
