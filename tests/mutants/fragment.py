"""A fragment of source text, found however its lines are broken."""

import re

from .fault import DoesNotApplyError

_TOKEN = re.compile(r"\w+|[^\w\s]")


def find_once(fragment: str, text: str, start: int, end: int) -> tuple[int, int]:
    """Return from where to where a fragment stands between two places of a text; it must stand there once."""
    found = [match.span() for match in _pattern(fragment).finditer(text, start, end)]
    if len(found) != 1:
        raise DoesNotApplyError(f"{fragment!r} stands there {len(found)} times, not once")
    return found[0]


def tokens(text: str) -> list[str]:
    """Return a text's words and signs, without what only formats it."""
    return _TOKEN.findall(text)


def _pattern(fragment: str) -> re.Pattern[str]:
    """Return what matches a fragment's tokens: a formatter may break lines between them, and add a last comma."""
    parts: list[str] = []
    for part in tokens(fragment):
        word = part[0].isalnum() or part[0] == "_"
        after_word = bool(parts) and parts[-1].endswith(r"\b")
        if parts:
            parts.append(r"\s+" if word and after_word else r",?\s*" if part in ")]}" else r"\s*")
        parts.append(rf"\b{part}\b" if word else re.escape(part))
    if not parts:
        raise DoesNotApplyError(f"{fragment!r} holds nothing to look for")
    return re.compile("".join(parts))
