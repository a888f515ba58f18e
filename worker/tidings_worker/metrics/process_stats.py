"""The CPU time and memory of this process, for operators; sampled once a heartbeat."""

import os
import time
from pathlib import Path
from typing import NamedTuple

_STATM = Path("/proc/self/statm")


class ProcessStats(NamedTuple):
    """One sample."""

    cpu: float | None
    """Of one core, since the sample before; None: this is the first. Child processes do not count."""
    memory: int | None
    """Resident bytes; None: this system has no `/proc`."""


class ProcessSampler:
    """Samples, and remembers the last sample."""

    def __init__(self) -> None:
        self._at = 0.0
        self._spent = 0.0

    def look(self) -> ProcessStats:
        """Return a new sample.

        Source: https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html
        """
        now, spent = time.monotonic(), time.process_time()
        cpu = (spent - self._spent) / (now - self._at) if self._at and now > self._at else None
        self._at, self._spent = now, spent
        return ProcessStats(None if cpu is None else round(cpu, 4), _resident())


def _resident() -> int | None:
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None  # no Linux
