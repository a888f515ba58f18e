"""Durations as the values of flags: 90s, 15m, 1h, 2d."""

from tidings.duration_text import parse_duration

from .command_errors import CommandError


def read_duration(flag: str, text: str) -> float:
    """Return the seconds that the value of a flag says; a number without a unit is seconds.

    Raises:
        CommandError: it is not a duration.

    """
    try:
        return parse_duration(text, bare="s")
    except ValueError:
        raise CommandError(
            f"{flag} {text}: a duration is a number with s, m, h or d, such as 90s, 15m, 1h or 2d"
        ) from None
