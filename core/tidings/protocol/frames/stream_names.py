"""What streams of jobs may be called."""

import re
from typing import Final

MAIN: Final = "main"
"""The stream of what a generator yields."""

NAME_PATTERN: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$(?!\n)"

NAME_MEANING: Final = (
    "a stream is called by 1 to 64 letters, digits, `_`, `.` and `-`, and does not begin with a dot or a hyphen"
)

_NAME = re.compile(NAME_PATTERN)


def may_be_called(name: str) -> bool:
    """Return whether a stream may have a name."""
    return _NAME.match(name) is not None


def check_stream_name(name: str) -> None:
    """Refuse what no stream may be called.

    Raises:
        ValueError: it says what a name may have.

    """
    if not may_be_called(name):
        raise ValueError(f"stream {name!r}: {NAME_MEANING}")
