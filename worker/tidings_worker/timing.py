"""The timing of a worker: its clock, and how long it waits for the store. A test may hold the clock."""

import time
from collections.abc import Callable
from typing import NamedTuple

from tidings.store.redis.store_client import CALL_TIMEOUT_S


class Timing(NamedTuple):
    """By what a worker measures time, beside the clock of its event loop."""

    clock: Callable[[], float] = time.monotonic
    """Seconds, never going back."""
    call_timeout_s: float | None = CALL_TIMEOUT_S
    """How long one answer of the store may take, s; None: for ever, as where the clock of the event loop jumps while a
    read waits in the store."""


REAL_TIMING = Timing()
"""That of every worker outside of tests."""
