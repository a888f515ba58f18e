"""How many slots and workers a rate of jobs needs, calculated from a measurement. Pure.

Two steps. Little's law, L = λW, says how many jobs run at a time on average: the rate times the mean time that one
runs. Fewer slots never catch up. As jobs come at random and take unlike times, some more are needed, or jobs wait;
how many, for a time limit that some share of the jobs must keep, is found by playing it through: arrivals at random
(Poisson), run times drawn from those that were measured, one line for all slots.

Source: J. D. C. Little, A Proof for the Queuing Formula: L = λW, Operations Research 9 (1961).
"""

import heapq
import math
import random
from collections.abc import Callable, Sequence

import msgspec

from tidings.metrics.percentiles import quantile

from .figures import Figures

TARGET_UTILIZATION = 0.7
"""Share of the slots that is busy on average without an objective; beyond it waits grow fast."""

SIMULATED_JOBS = 20_000
"""Jobs that are played through; the first tenth, which finds all slots free, does not count."""

MAX_UTILIZATION = 0.95
"""Most of the slots that may be busy on average: beyond that, how long jobs wait depends on how long it goes on."""

MAX_SLOTS = 100_000


class LatencyObjective(msgspec.Struct, frozen=True):
    """A time within which a share of the jobs must have ended."""

    share: float
    """0.99 for p99."""
    seconds: float

    def __str__(self) -> str:
        return f"p{self.share * 100:g}={self.seconds:g}s"


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What is recommended."""

    rate: float
    """Jobs a second."""
    objective: LatencyObjective | None
    load: float
    """Jobs that run at a time, on average: Little's law."""
    slots: int | None
    """Slots to have; None: no number keeps the objective."""
    busy: float | None
    """Share of them that is busy on average."""
    expected: float | None
    """The time that the objective's share of jobs keeps with so many slots, s."""
    least: float
    """The same with any number of slots: the work alone, s."""
    workers: int | None
    """Workers like those that were measured; None: those were not seen at their limit, or nothing helps."""
    slots_per_worker: float | None
    """Jobs that each of those ran at a time at its limit."""


def advise(figures: Figures, runs: Sequence[float], rate: float, objective: LatencyObjective | None) -> Advice:
    """Return what a rate needs.

    Args:
        figures: what was measured.
        runs: the run times of single jobs, s; at least one.
        rate: jobs a second that are to come.
        objective: what they must keep; None: nothing is said.

    """
    load = rate * math.fsum(runs) / len(runs)
    overhead = _overhead(figures)
    share = objective.share if objective is not None else 0.99
    least = overhead + quantile(sorted(runs), share)

    def expected(slots: int) -> float:
        return overhead + simulate_queue(runs, rate, slots, share)

    slots: int | None
    if objective is None:
        slots = max(math.ceil(load / TARGET_UTILIZATION), 1)
    elif least > objective.seconds:
        slots = None
    else:
        slots = smallest_sufficient(
            lambda count: expected(count) <= objective.seconds, max(math.ceil(load / MAX_UTILIZATION), 1)
        )
    each = figures.running / figures.workers if figures.saturated and figures.running else None
    return Advice(
        rate=rate,
        objective=objective,
        load=load,
        slots=slots,
        busy=None if slots is None else load / slots,
        expected=None if slots is None else expected(slots),
        least=least,
        workers=None if slots is None or each is None else max(math.ceil(slots / each - 1e-9), 1),
        slots_per_worker=each,
    )


def simulate_queue(runs: Sequence[float], rate: float, slots: int, share: float) -> float:
    """Return the time from a job's arrival to its end that a share of the jobs keep, s."""
    draw = random.Random(1)  # noqa: S311 - the same answer each time
    free = [0.0] * slots
    now = 0.0
    times = []
    for _ in range(SIMULATED_JOBS):
        now += draw.expovariate(rate)
        ended = max(free[0], now) + draw.choice(runs)
        heapq.heapreplace(free, ended)
        times.append(ended - now)
    return quantile(sorted(times[SIMULATED_JOBS // 10 :]), share)


def smallest_sufficient(enough: Callable[[int], bool], least: int) -> int | None:
    """Return the smallest number from `least` on that is enough, if more is never worse; None: none is."""
    low, high = least - 1, least
    while not enough(high):
        low, high = high, high * 2
        if low > MAX_SLOTS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _overhead(figures: Figures) -> float:
    """Return what a job takes besides waiting and running: the way there and back, s."""
    if figures.total is None or figures.wait is None or figures.run is None:
        return 0.0
    return max(figures.total.p50 - figures.wait.p50 - figures.run.p50, 0.0)
