"""What the load generator counts while it measures."""

import msgspec

from .histogram import Histogram


class Figures(msgspec.Struct, kw_only=True):
    """What one case of a run has found; it crosses to the harness as JSON."""

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
    case: str = ""
    """Which of a scenario's cases; empty where there is but one."""
    more: dict[str, float] = {}
    """What else the scenario found: heading with its unit → figure."""


class Tally:
    """Counts; those of jobs only while `measuring`."""

    def __init__(self) -> None:
        self.measuring = False
        self.jobs = 0
        self.progress = 0
        self.early = 0
        self.errors = 0
        self.ack = Histogram()
        self.reply = Histogram()

    def acked(self, took_s: float) -> None:
        """Count an ack."""
        if self.measuring:
            self.ack.add(took_s)

    def ended(self, took_s: float, progress: int) -> None:
        """Count a job that ended, and how many progress events came before."""
        if self.measuring:
            self.reply.add(took_s)
            self.finished(progress)

    def finished(self, progress: int) -> None:
        """Count the same where how long it took is counted elsewhere."""
        if self.measuring:
            self.jobs += 1
            self.progress += progress

    def take(self, seconds: float, cpu_s: float, case: str = "", more: dict[str, float] | None = None) -> Figures:
        """Return what was counted in so many seconds, and begin anew."""
        figures = Figures(
            seconds=seconds,
            jobs=self.jobs,
            progress=self.progress,
            early=self.early,
            errors=self.errors,
            ack_ms=self.ack.to_ms(),
            reply_ms=self.reply.to_ms(),
            cpu_s=cpu_s,
            case=case,
            more=more or {},
        )
        self.jobs = self.progress = self.early = self.errors = 0
        self.ack, self.reply = Histogram(), Histogram()
        return figures
