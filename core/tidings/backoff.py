"""How long to wait before trying again. Pure; the random draw is passed in."""


def backoff(tries: int, draw: float, *, first_s: float, longest_s: float) -> float:
    """Return the seconds to wait after so many tries have failed: exponential, with full jitter.

    Args:
        tries: how many have failed, from 1.
        draw: a random number in [0, 1).
        first_s: the longest wait after the first failure; it doubles with each further one,
        longest_s: up to this.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    """
    return draw * min(longest_s, first_s * 2.0 ** min(tries - 1, 60))
