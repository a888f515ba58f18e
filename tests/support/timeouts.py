"""How long tests wait at most: one factor scales every wait by what this machine can do at the moment.

The waits in tests are bounds: a wait ends with the event it is for, so a large factor costs time only where a test
fails. `TIDINGS_TEST_TIMEOUT_FACTOR` fixes the factor. Without it the factor is the product of two measurements, each at
least 1:

- how much slower than the reference machine this one computes, by processor time: other processes do not count in it;
- how many processes compete for each core: the larger of the load average and of the number that is runnable now.
"""

import functools
import os
import time
from pathlib import Path

VARIABLE = "TIDINGS_TEST_TIMEOUT_FACTOR"
MOST = 20.0
"""The largest factor that is measured: a test that hangs on an overloaded machine has to end as well."""

REFERENCE_S = 0.001
"""Processor time of `_compute` on the machine that the unscaled waits were chosen on, s."""

AGE_S = 0.5
"""How long a measurement counts, s."""

LOAD = Path("/proc/loadavg")


def scaled(seconds: float) -> float:
    """Return a wait, in seconds or any other unit of time, as it is on this machine now: never less than given."""
    return seconds * factor()


def factor() -> float:
    """Return what waits are multiplied by at the moment, at least 1."""
    fixed = os.environ.get(VARIABLE)
    if fixed:
        return max(1.0, float(fixed))
    return _measured(int(time.monotonic() / AGE_S))


def measured_factor(seconds: float, load: float, cores: int) -> float:
    """Return the factor that follows from measurements.

    Args:
        seconds: the processor time of the fixed computation, s.
        load: how many processes run or wait for a core.
        cores: of the machine, at least 1.

    Returns:
        A factor from 1 to `MOST`.

    """
    return min(MOST, max(1.0, seconds / REFERENCE_S) * max(1.0, load / cores))


@functools.lru_cache(maxsize=1)
def _measured(interval: int) -> float:
    return measured_factor(_computation_s(), _load(), os.cpu_count() or 1)


def _computation_s() -> float:
    """Return the processor time of a fixed computation, s."""
    return min(_compute() for _ in range(3))  # the least: an interrupt may have been in the others


def _compute() -> float:
    begun = time.thread_time()
    total = 0
    for number in range(20_000):
        total += number * number % 7
    return time.thread_time() - begun


def _load() -> float:
    """Return how many processes run or wait for a core (proc(5), /proc/loadavg); this one runs at least."""
    try:
        average, _, _, runnable, _ = LOAD.read_text().split()
    except OSError:
        return os.getloadavg()[0]  # not Linux
    return max(float(average), float(runnable.split("/")[0]))
