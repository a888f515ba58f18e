"""JSON Pointers (RFC 6901) from the ways other libraries write a place in a document."""

import re
from collections.abc import Iterable

_MSGSPEC_PATH = re.compile(r" - at `(?:key in )?\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


def json_pointer(parts: Iterable[str | int]) -> str:
    """Return the JSON Pointer to the place that `parts` (keys and indexes) lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def split_msgspec(message: str) -> tuple[str, str]:
    """Split the text of a `msgspec.ValidationError` into what is wrong and a JSON Pointer to where.

    msgspec ends its messages with ``- at `$.a.b[0]` `` when the place is not the root.
    """
    match = _MSGSPEC_PATH.search(message)
    if not match:
        return message, ""
    return message[: match.start()], json_pointer(msgspec_path_parts(match[1]))


def msgspec_path_parts(path: str) -> list[str]:
    """Return the keys and indexes of a path as msgspec writes it: ``.a.b[0]``."""
    return [key or index for key, index in _STEP.findall(path)]
