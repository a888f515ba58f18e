"""An alarm that rings on time: the event loop's own timers know whole milliseconds only.

Half a millisecond of lateness would be most of what an idle system takes, and be counted as its own.
Linux only, as the harness is.

Source: timerfd_create(2)
"""

import asyncio
import ctypes
import math
import os
import time
from collections.abc import Callable

_AT_A_MOMENT = 1
"""TFD_TIMER_ABSTIME."""

_EXPIRATIONS_BYTES = 8

_libc = ctypes.CDLL(None, use_errno=True)


class _Timer(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class Alarm:
    """One alarm of the running event loop."""

    def __init__(self, on_ring: Callable[[], None]) -> None:
        """Prepare; `on_ring` is called once for each `set`.

        Raises:
            OSError: the kernel gives none.

        """
        self._loop = asyncio.get_running_loop()
        self._on_ring = on_ring
        self._file = _checked(_libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
        self._loop.add_reader(self._file, self._ring)

    def set(self, moment: float) -> None:
        """Ring at a moment by `time.perf_counter`; at once if it has passed."""
        part, whole = math.modf(max(moment, 1e-9))
        timer = _Timer(0, 0, int(whole), int(part * 1e9))
        _checked(_libc.timerfd_settime(self._file, _AT_A_MOMENT, ctypes.byref(timer), None))

    def close(self) -> None:
        """Ring no more."""
        self._loop.remove_reader(self._file)
        os.close(self._file)

    def _ring(self) -> None:
        try:
            os.read(self._file, _EXPIRATIONS_BYTES)
        except BlockingIOError:  # set anew before it could be read
            return
        self._on_ring()


def _checked(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "timerfd")
    return answer
