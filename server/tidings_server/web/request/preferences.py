"""What a client would like of an answer: the `Prefer` header, and `Preference-Applied`, which says what was done.

A preference that the server does not know, or that is malformed, changes nothing. Of one that comes twice the first
counts. The server reads no header of more than `MAX_PREFER` characters.

Source: RFC 7240
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

MAX_PREFER = 1_000
"""Characters of all `Prefer` headers of a request."""

_PIECE = re.compile(r'["\\,;]|[^"\\,;]+')
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SECONDS = re.compile(r"[0-9]{1,9}")


class Preferences(NamedTuple):
    """The preferences of one request that the server knows."""

    wait: float | None = None
    """Seconds that the client waits at most (section 4.3), no more than the server allows; None: it did not say."""
    respond_async: bool = False
    """Whether the client wants an answer at once, or after `wait`, rather than wait for the outcome (section 4.1)."""

    def applied(self, *, waited: bool, accepted: bool = False) -> dict[str, str]:
        """Return the header that names the preferences that the answer follows (section 3); none: no header.

        Args:
            waited: whether the request was one that waits as long as `wait` says.
            accepted: whether the answer is a 202, which tells where the outcome will be.

        """
        names = ["respond-async"] if accepted and self.respond_async else []
        if waited and self.wait is not None:
            names.append(f"wait={self.wait:g}")
        return {"preference-applied": ", ".join(names)} if names else {}


NO_PREFERENCES = Preferences()


def preferences_of(headers: Iterable[str], most_wait: float) -> Preferences:
    """Return the preferences in the `Prefer` headers of a request.

    Args:
        headers: their values; several count as one, joined by commas.
        most_wait: the seconds that the server waits at most.

    """
    header = ",".join(headers)
    found: dict[str, str] = {}
    for element in _elements(header if len(header) <= MAX_PREFER else ""):
        name, _, value = element.partition("=")
        if _NAME.fullmatch(name.strip()):
            found.setdefault(name.strip().lower(), _unquoted(value.strip()))
    wait = found.get("wait", "")
    return Preferences(min(float(wait), most_wait) if _SECONDS.fullmatch(wait) else None, "respond-async" in found)


def _elements(header: str) -> Iterable[str]:
    """Yield the elements of a list, without their parameters: a comma or a semicolon in quotes parts nothing."""
    element: list[str] = []
    quoted = escaped = in_parameter = False
    for piece in _PIECE.findall(header):
        if not quoted and piece in (",", ";"):
            if not in_parameter:
                yield "".join(element)
            element.clear()
            in_parameter = piece == ";"
            continue
        if piece == '"' and not escaped:
            quoted = not quoted
        escaped = quoted and piece == "\\" and not escaped
        element.append(piece)
    if not in_parameter:
        yield "".join(element)


def _unquoted(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word.startswith('"') and word.endswith('"') else word
