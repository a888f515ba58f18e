"""How long to wait before connecting again. Pure; the random draw is passed in."""

FIRST_S = 0.2
LONGEST_S = 20.0


def backoff(failures: int, draw: float) -> float:
    """Return the seconds to wait after so many failures in a row: exponential, with full jitter.

    Args:
        failures: how often it failed, from 1.
        draw: a random number in [0, 1).

    """
    return draw * min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 30))
