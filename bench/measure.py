"""One measurement: the load generator beside the system, and what each process cost meanwhile."""

import statistics
import subprocess
import sys
from typing import Any

import msgspec

from .system import System


class Round(msgspec.Struct, kw_only=True):
    """The figures of one round."""

    jobs_per_s: float
    progress_per_job: float
    early: int
    errors: int
    ack_ms: dict[str, float]
    reply_ms: dict[str, float]
    cpu_us_per_job: dict[str, float]
    rss_mb: dict[str, float]


def measure(system: System, kind: str, sockets: int, seconds: float, warm_up_s: float = 1.0) -> Round:
    """Run one closed loop against the system."""
    command = [sys.executable, "-m", "bench.generator", system.socket_url, kind, str(sockets)]
    with subprocess.Popen([*command, str(warm_up_s), str(seconds)], stdout=subprocess.PIPE, text=True) as generator:
        assert generator.stdout is not None
        _expect(generator.stdout.readline(), "begin")
        before = system.cpu()
        _expect(generator.stdout.readline(), "end")
        after = system.cpu()
        found: dict[str, Any] = msgspec.json.decode(generator.stdout.readline())
    jobs = max(1, found["jobs"])
    cpu = {name: after[name] - before[name] for name in after} | {"generator": found["cpu"]}
    return Round(
        jobs_per_s=round(found["jobs"] / found["seconds"], 1),
        progress_per_job=round(found["progress"] / jobs, 2),
        early=found["early"],
        errors=found["errors"],
        ack_ms=found["ack_ms"],
        reply_ms=found["reply_ms"],
        cpu_us_per_job={name: round(used / jobs * 1e6, 1) for name, used in cpu.items()},
        rss_mb={name: round(used, 1) for name, used in system.rss_mb().items()},
    )


def median_of(rounds: list[Round]) -> Round:
    """Return the round whose parts are the medians of all rounds; what must be 0 is the worst."""

    def middle(pick: str) -> dict[str, float]:
        parts = [getattr(one, pick) for one in rounds]
        return {name: round(statistics.median(part[name] for part in parts), 3) for name in parts[0]}

    return Round(
        jobs_per_s=statistics.median(one.jobs_per_s for one in rounds),
        progress_per_job=statistics.median(one.progress_per_job for one in rounds),
        early=max(one.early for one in rounds),
        errors=max(one.errors for one in rounds),
        ack_ms=middle("ack_ms"),
        reply_ms=middle("reply_ms"),
        cpu_us_per_job=middle("cpu_us_per_job"),
        rss_mb=middle("rss_mb"),
    )


def _expect(line: str, word: str) -> None:
    if line.strip() != word:
        raise RuntimeError("the load generator failed; what it said is above")
