"""Durations as people type and read them: `90s`, `15m` and `1.5 ms`, `2.41 s`. Pure.

Durations that programs give are in `seconds.py`.
"""

import re
from collections.abc import Sequence

UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
"""The units, and their lengths in seconds."""

_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-z]*)")


def parse_duration(text: str, units: Sequence[str] = ("s", "m", "h", "d"), *, bare: str | None = None) -> float:
    """Return the seconds that a text says.

    Args:
        text: a number and a unit, without a space between them.
        units: those that are allowed.
        bare: the unit of a number that stands alone, one of `units`; None: a unit must be given.

    Raises:
        ValueError: it is of another form.

    """
    match = _FORM.fullmatch(text)
    unit = (match[2] or bare) if match is not None else None
    if match is None or unit is None or unit not in units:
        raise ValueError(f"{text[:100]!r} is no duration")
    return float(match[1]) * UNITS_S[unit]


def duration_text(seconds: float) -> str:
    """Return a duration with three digits: 1.5 ms, 320 ms, 2.41 s."""
    number, unit = (seconds * 1000, "ms") if seconds < 0.9995 else (seconds, "s")
    return f"{number:.3g} {unit}" if number < 999.5 else f"{number:.0f} {unit}"
