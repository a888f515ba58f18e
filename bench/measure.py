"""One measurement: the load generator beside a system, and what each process cost meanwhile."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import msgspec

from .result import Round
from .system import ROOT, System, everyone_cpu_s, stop
from .tally import Figures

GENERATOR = "generator"
"""The load generator's name among the processes."""


def measure(system: System, scenario: str, warm_up_s: float, seconds: float) -> Round:
    """Put a scenario's load on a system.

    Raises:
        RuntimeError: the load generator failed, or no job ended.

    """
    with _generator([scenario, system.socket_url, str(warm_up_s), str(seconds)]) as said:
        _expect(said.readline(), b"begin")
        before, everyone_s = system.cpu_s(), everyone_cpu_s()
        _expect(said.readline(), b"end")
        after, everyone_s = system.cpu_s(), everyone_cpu_s() - everyone_s
        rss_mb = system.rss_mb()
        figures = msgspec.json.decode(said.readline(), type=Figures)
    cpu_s = {name: after[name] - before[name] for name in after} | {GENERATOR: figures.cpu_s}
    return to_round(figures, cpu_s, everyone_s, rss_mb)


def to_round(figures: Figures, cpu_s: dict[str, float], everyone_s: float, rss_mb: dict[str, float]) -> Round:
    """Return what was found, each figure for one job or one second.

    Args:
        figures: what the load generator found.
        cpu_s: CPU time that each process used meanwhile, s.
        everyone_s: CPU time that all processes of the machine used meanwhile, s.
        rss_mb: resident memory of each process, MB.

    Raises:
        RuntimeError: no job ended.

    """
    if not figures.jobs:
        raise RuntimeError(f"no job ended in {figures.seconds:.1f} s; {figures.errors} errors")
    return Round(
        jobs_per_s=round(figures.jobs / figures.seconds, 1),
        progress_per_job=round(figures.progress / figures.jobs, 4),
        early=figures.early,
        errors=figures.errors,
        ack_ms=figures.ack_ms,
        reply_ms=figures.reply_ms,
        cpu_us_per_job={name: round(used / figures.jobs * 1e6, 1) for name, used in cpu_s.items()},
        busy={name: round(used / figures.seconds, 3) for name, used in cpu_s.items()},
        others_busy=round(max(0.0, everyone_s - sum(cpu_s.values())) / figures.seconds, 3),
        rss_mb={name: round(used, 1) for name, used in rss_mb.items()},
    )


@contextmanager
def _generator(arguments: list[str]) -> Iterator[IO[bytes]]:
    """Run the load generator around the body; yield what it prints."""
    command = [sys.executable, "-m", "bench.generator", *arguments]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        with child.stdout:
            yield child.stdout
    finally:
        stop(child)


def _expect(line: bytes, word: bytes) -> None:
    if line.strip() != word:
        raise RuntimeError("the load generator failed; what it said is above")
