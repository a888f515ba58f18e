"""What the load generator counts while it measures."""

import msgspec

from .histogram import Histogram


class Figures(msgspec.Struct, kw_only=True):
    """What one run of the load generator has found; it crosses to the harness as JSON."""

    seconds: float
    """How long was measured."""
    jobs: int
    """Jobs that ended meanwhile."""
    progress: int
    """Progress events of these jobs."""
    early: int
    """Events that came before the ack of their job, warm-up included; must be 0."""
    errors: int
    """Everything else that should not happen, warm-up included; must be 0."""
    ack_ms: dict[str, float]
    """From submit to ack: percentile → ms."""
    reply_ms: dict[str, float]
    """From submit to result: percentile → ms."""
    cpu_s: float
    """CPU time of the load generator, user and system, s."""


class Tally:
    """Counts; those of jobs only while `measuring`."""

    def __init__(self) -> None:
        self.measuring = False
        self.jobs = 0
        self.progress = 0
        self.early = 0
        self.errors = 0
        self._ack = Histogram()
        self._reply = Histogram()

    def acked(self, took_s: float) -> None:
        """Count an ack."""
        if self.measuring:
            self._ack.add(took_s)

    def ended(self, took_s: float, progress: int) -> None:
        """Count a job that ended, and how many progress events came before."""
        if self.measuring:
            self.jobs += 1
            self.progress += progress
            self._reply.add(took_s)

    def figures(self, seconds: float, cpu_s: float) -> Figures:
        """Return what was counted in so many seconds."""
        return Figures(
            seconds=seconds,
            jobs=self.jobs,
            progress=self.progress,
            early=self.early,
            errors=self.errors,
            ack_ms=self._ack.to_ms(),
            reply_ms=self._reply.to_ms(),
            cpu_s=cpu_s,
        )
