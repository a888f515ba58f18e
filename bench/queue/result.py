"""The figures of queues alone: of one round, of all rounds, of a whole run."""

import statistics

import msgspec


class Figures(msgspec.Struct, kw_only=True):
    """What a client has found."""

    jobs: int
    seconds: float
    reply_ms: dict[str, float]
    """From the call to its result: percentile → ms; empty where nobody waited for results."""


class Round(msgspec.Struct, kw_only=True):
    """The figures of one round, or the medians of several."""

    jobs_per_s: float
    reply_ms: dict[str, float]
    cpu_us_per_job: dict[str, float]
    """CPU time, user and system, divided by jobs: process → µs."""
    rss_mb: dict[str, float]
    """Resident memory at the end: process → MB."""
    others_busy: float
    """Cores kept busy by processes that are no part of the measurement; of several rounds the worst."""


class Result(msgspec.Struct, kw_only=True):
    """One scenario on one peer."""

    peer: str
    scenario: str
    amount: float
    rounds: list[Round]
    median: Round | None
    """None: no round came to its end."""
    failures: list[str] = []
    """What went wrong in rounds that did not come to their end."""


class Report(msgspec.Struct, kw_only=True):
    """Everything one run has found."""

    rounds: int
    machine: dict[str, str]
    peers: dict[str, str]
    """What the others are made of: package → version."""
    results: list[Result]


def to_round(figures: Figures, cpu_s: dict[str, float], everyone_s: float, rss_mb: dict[str, float]) -> Round:
    """Return what was found, each figure for one job or one second.

    Args:
        figures: what the client found.
        cpu_s: CPU time that each process used meanwhile, s.
        everyone_s: CPU time that all processes of the machine used meanwhile, s.
        rss_mb: resident memory of each process, MB.

    """
    return Round(
        jobs_per_s=round(figures.jobs / figures.seconds, 1),
        reply_ms=figures.reply_ms,
        cpu_us_per_job={name: round(used / figures.jobs * 1e6, 1) for name, used in cpu_s.items()},
        rss_mb={name: round(used, 1) for name, used in rss_mb.items()},
        others_busy=round(max(0.0, everyone_s - sum(cpu_s.values())) / figures.seconds, 3),
    )


def median_of(rounds: list[Round]) -> Round:
    """Return the round whose parts are the medians of all rounds; of what should be 0, the worst."""

    def middle(parts: list[dict[str, float]]) -> dict[str, float]:
        return {name: round(statistics.median(part[name] for part in parts), 3) for name in parts[0]}

    return Round(
        jobs_per_s=statistics.median(one.jobs_per_s for one in rounds),
        reply_ms=middle([one.reply_ms for one in rounds]),
        cpu_us_per_job=middle([one.cpu_us_per_job for one in rounds]),
        rss_mb=middle([one.rss_mb for one in rounds]),
        others_busy=max(one.others_busy for one in rounds),
    )
