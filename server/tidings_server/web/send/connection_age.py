"""How long a connection lives."""

import random

JITTER = (0.8, 1.0)
"""A connection lives for a part of the maximal age that chance takes from here, so that not all come back at once."""


def connection_lifetime(most_s: float) -> float:
    """Return for how long one connection may live, s."""
    return most_s * random.uniform(*JITTER)  # noqa: S311 - jitter
