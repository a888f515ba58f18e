"""Durations as people type them: 90s, 15m, 1h, 2d."""

import re

from .command_errors import CommandError

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_FORM = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


def read_duration(flag: str, text: str) -> float:
    """Return the seconds that the value of a flag says.

    Raises:
        CommandError: it is not a duration.

    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise CommandError(f"{flag} {text}: a duration is a number with s, m, h or d, such as 90s, 15m, 1h or 2d")
    return float(match[1]) * _SECONDS[match[2]]
