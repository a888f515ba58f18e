"""How long to wait before a failed attempt is repeated. Pure; the random draw is passed in."""

FIRST_S = 0.5
LONGEST_S = 300.0


def backoff(attempt: int, draw: float) -> float:
    """Return the seconds to wait after the failure of `attempt`: exponential, with full jitter.

    Args:
        attempt: the attempt that failed, from 1.
        draw: a random number in [0, 1).

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    """
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(attempt - 1, 30))
    return draw * longest
