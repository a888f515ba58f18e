"""How long to leave a store alone that has just failed."""

import random

from tidings.backoff import backoff

FIRST_S = 0.1
"""The longest pause after the first failure; it doubles with each further one."""

LONGEST_S = 2.0
"""The longest pause of all: so long after its return a store may go unnoticed."""


def store_retry_delay(failures: int, longest_s: float = LONGEST_S) -> float:
    """Return the seconds to wait before a loop asks the store again, drawn again each time.

    Args:
        failures: how many tries of this loop have failed, from 1.
        longest_s: the longest pause, s.

    """
    return backoff(failures, random.random(), first_s=min(FIRST_S, longest_s), longest_s=longest_s)  # noqa: S311
