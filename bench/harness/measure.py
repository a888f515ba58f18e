"""One measurement: the load generator beside a system, and what each process cost meanwhile."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import IO

import msgspec

from bench.load.tally import Figures

from .result import Round
from .system import ROOT, System, everyone_cpu_s, stop

GENERATOR = "generator"
"""The load generator's name among the processes."""


def measure(
    system: System,
    scenario: str,
    warm_up_s: float,
    seconds: float,
    count: int | None = None,
    beside: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> dict[str, Round]:
    """Put a scenario's load on a system.

    Args:
        system: what is measured.
        scenario: its name.
        warm_up_s: how long load is put on before anything is counted.
        seconds: how long is measured.
        count: how many jobs, where a scenario takes a number; None: as it says.
        beside: entered when a case begins to be measured, and left when it ends.

    Returns:
        The figures of each case, by its name; of a scenario with but one, that is empty.

    Raises:
        RuntimeError: the load generator failed, or no job ended.

    """
    costs: list[_Cost] = []
    arguments = [scenario, system.socket_url, str(warm_up_s), str(seconds), *([str(count)] if count else [])]
    with _generator(arguments) as said:
        while (line := said.readline().strip()) == b"begin":
            with ExitStack() as during:
                during.enter_context(beside())
                cost = _Cost(system)
                _expect(said.readline(), b"end")
                cost.end()
            costs.append(cost)
        if not line.startswith(b"["):
            raise RuntimeError(_FAILED)
        figures = msgspec.json.decode(line, type=list[Figures])
    return {one.case: cost.to_round(one) for one, cost in zip(figures, costs, strict=True)}


_FAILED = "the load generator failed; what it said is above"


class _Cost:
    """What each process uses from now until the end."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._cpu_s, self._everyone_s = system.cpu_s(), everyone_cpu_s()
        self._rss_mb: dict[str, float] = {}

    def end(self) -> None:
        """Read the clocks again."""
        after = self._system.cpu_s()
        self._cpu_s = {name: after[name] - before for name, before in self._cpu_s.items()}
        self._everyone_s = everyone_cpu_s() - self._everyone_s
        self._rss_mb = self._system.rss_mb()

    def to_round(self, figures: Figures) -> Round:
        """Return it for one job or one second of what the load generator found meanwhile."""
        return to_round(figures, self._cpu_s | {GENERATOR: figures.cpu_s}, self._everyone_s, self._rss_mb)


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
        more=figures.more,
    )


@contextmanager
def _generator(arguments: list[str]) -> Iterator[IO[bytes]]:
    """Run the load generator around the body; yield what it prints."""
    command = [sys.executable, "-m", "bench.load.generator", *arguments]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        with child.stdout:
            yield child.stdout
    finally:
        stop(child)


def _expect(line: bytes, word: bytes) -> None:
    if line.strip() != word:
        raise RuntimeError(_FAILED)
