"""Durations as programs give them: a number of seconds, or a `timedelta`."""

import math
from datetime import timedelta
from numbers import Real

YEAR_S = 31_536_000.0
"""The longest of all durations, s."""

Duration = float | timedelta
"""Seconds, or a `timedelta`."""


def seconds_of(
    name: str, value: object, *, least: float = 0.0, most: float = YEAR_S, above: bool = False, most_word: str = ""
) -> float:
    """Return a duration in seconds.

    Args:
        name: of the option, for the error.
        value: what was given.
        least: the shortest that is allowed, s.
        most: the longest that is allowed, s.
        above: whether it must be longer than `least`.
        most_word: what people call `most`; empty: its number.

    Raises:
        TypeError: it is neither a number nor a `timedelta`.
        ValueError: it is out of bounds, or not a number at all (NaN).

    """
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif not isinstance(value, bool) and isinstance(value, Real):  # a bool is a number to Python
        try:
            seconds = float(value)
        except OverflowError:  # an integer of more than 308 digits
            seconds = math.inf
    else:
        raise TypeError(f"{name} is {_shown(value)}; it takes seconds as a number, or a timedelta")
    fits = seconds > least if above else seconds >= least
    if not (fits and seconds <= most):  # NaN compares as false
        bound = most_word or f"{most:g}"
        allowed = f"above {least:g}, at most {bound}" if above else f"{least:g} to {bound}"
        raise ValueError(f"{name} is {seconds:g} s; allowed: {allowed}")
    return seconds


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
