"""How deep JSON text nests, found in time linear in its bytes, whatever they are.

The check runs on what strangers send, before anything else reads it. It uses no regular expression that could try a
piece twice: each step passes over the text once and leaves less of it.
"""

import re
from collections.abc import Callable
from itertools import accumulate
from typing import Any

from tidings.protocol.problems import ProblemError, problem_error

_STRING = re.compile(rb'"[^"]*"?')
"""A string whose escapes are gone, or the beginning of one without an end; it matches wherever a quote stands."""

LONG = 10_000
"""Characters of a text from which on its openers are looked for one by one; in a short one they are counted faster."""

_OPEN, _CLOSE = 1, 2
_STEPS = (0, 1, -1)
"""What each bracket adds to the depth."""

_BRACKETS = bytes.maketrans(b"[{]}", bytes((_OPEN, _OPEN, _CLOSE, _CLOSE)))
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


def check_depth(text: str | bytes | bytearray, limit: int) -> None:
    """Refuse JSON that nests deeper than `limit`.

    Counting openers is cheap, and settles nearly every text; only one with many is looked at further. Text that is
    no JSON passes as far as its readable beginning does not nest too deep: its parser refuses it there.

    Raises:
        ProblemError: `invalid_frame`, with the limit.

    """
    if isinstance(text, str):
        many = text.count("[") + text.count("{") > limit if len(text) < LONG else _opens_more(text, limit)
    else:
        many = _opens_more(text, limit)
    if many and depth_of(text) > limit:
        raise problem_error("invalid_frame", f"nested deeper than {limit} levels", limit=limit)


def _opens_more(text: str | bytes | bytearray, most: int) -> bool:
    """Return whether a text has more openers than `most`: each is looked for, which passes over what lies between.

    To count goes from character to character, and takes ten times as long where a few large strings are most of a text.
    """
    find: Callable[[Any, int], int] = text.find
    for opener in "[{" if isinstance(text, str) else (b"[", b"{"):
        at = find(opener, 0)
        while at >= 0:
            most -= 1
            if most < 0:
                return True
            at = find(opener, at + 1)
    return False


def depth_of(text: str | bytes | bytearray) -> int:
    """Return how deep the arrays and objects of a JSON text nest; brackets within its strings do not count.

    In a string a backslash escapes the next character, so that of a run of backslashes each pair stands for itself:
    with the pairs gone, a backslash before a quote escapes it, and every other quote begins or ends a string.
    """
    utf8 = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    plain = utf8.replace(rb"\\", b"").replace(rb"\"", b"")
    brackets = _STRING.sub(b"", plain).translate(_BRACKETS, _OTHERS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def too_large(size: int, limit: int) -> ProblemError:
    """Return the refusal of a request of `size` bytes."""
    return problem_error(
        "too_large", f"{size} bytes; at most {limit} are taken: send less, or a reference", limit=limit
    )
