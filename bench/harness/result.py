"""The figures of one round, of all rounds, and of a whole run of the harness."""

import statistics

import msgspec


class Round(msgspec.Struct, kw_only=True):
    """The figures of one round, or the medians of several."""

    jobs_per_s: float
    progress_per_job: float
    """Progress events received for each job."""
    early: int
    """Events that came before the ack of their job; must be 0."""
    errors: int
    """Refusals, failed jobs, lost sockets, events out of order; must be 0."""
    ack_ms: dict[str, float]
    """From submit to ack: percentile → ms."""
    reply_ms: dict[str, float]
    """From submit to result: percentile → ms."""
    cpu_us_per_job: dict[str, float]
    """CPU time, user and system, divided by jobs: process → µs."""
    busy: dict[str, float]
    """The same divided by the time: process → cores."""
    others_busy: float
    """Cores kept busy by processes that are no part of the measurement; more than a tenth spoils it."""
    rss_mb: dict[str, float]
    """Resident memory at the end: process → MB."""
    more: dict[str, float] = {}
    """What else the scenario found: heading with its unit → figure."""


class Result(msgspec.Struct, kw_only=True):
    """One case of one scenario on one peer."""

    peer: str
    scenario: str
    case: str = ""
    """Empty where the scenario has but one."""
    rounds: list[Round]
    median: Round | None
    """None: no round came to its end."""
    lacks: str = ""
    """Why the peer cannot do the scenario; empty: it can."""
    failures: list[str] = []
    """What went wrong in rounds that did not come to their end."""


class Report(msgspec.Struct, kw_only=True):
    """Everything one run of the harness has found."""

    rounds: int
    seconds: float
    warm_up_s: float
    machine: dict[str, str]
    peers: dict[str, str] = {}
    """Versions of what the peers are made of: package → version."""
    settings: list[str]
    """`TIDINGS_` variables that were set, and so may have changed what was measured; names only."""
    results: list[Result]


def median_of(rounds: list[Round]) -> Round:
    """Return the round whose parts are the medians of all rounds; of what should be 0, the worst."""

    def middle(pick: str) -> dict[str, float]:
        parts: list[dict[str, float]] = [getattr(one, pick) for one in rounds]
        return {name: round(statistics.median(part[name] for part in parts), 3) for name in parts[0]}

    return Round(
        jobs_per_s=statistics.median(one.jobs_per_s for one in rounds),
        progress_per_job=statistics.median(one.progress_per_job for one in rounds),
        early=max(one.early for one in rounds),
        errors=max(one.errors for one in rounds),
        ack_ms=middle("ack_ms"),
        reply_ms=middle("reply_ms"),
        cpu_us_per_job=middle("cpu_us_per_job"),
        busy=middle("busy"),
        others_busy=max(one.others_busy for one in rounds),
        rss_mb=middle("rss_mb"),
        more=middle("more"),
    )
