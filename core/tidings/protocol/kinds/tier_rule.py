"""Tiers by data: a threshold that a kind registers, by which the server or worker that accepts a job picks its tier."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from tidings.protocol.tokens import QUEUE_PATTERN

QueueName = Annotated[str, msgspec.Meta(pattern=QUEUE_PATTERN)]
"""What a queue and a tier may be called."""


class TierRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which of two tiers a job belongs to, by its size or by one field of its input."""

    field: str = ""
    """JSON Pointer (RFC 6901) into the input; empty: the size of the input as JSON, bytes."""
    above: float
    """A number that is larger, or a text, list or object that is longer, or a size in bytes, means `then`."""
    then: QueueName
    """The tier of those."""
    otherwise: QueueName
    """Also where the field is missing, or holds nothing that has a size: null, true or false."""

    def tier(self, value: Mapping[str, Any], size: int) -> str:
        """Return the tier of an input.

        Args:
            value: the input.
            size: of the input as JSON, bytes.

        """
        found = size_of(_look_up(value, self.field)) if self.field else size
        return self.then if found is not None and found > self.above else self.otherwise


def size_of(value: Any) -> float | None:
    """Return a number, or the length of what has one; else None."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    return len(value)


def pointer_parts(pointer: str) -> list[str]:
    """Return the names and indexes in a JSON Pointer.

    Raises:
        ValueError: it is none.

    """
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON Pointer: it must begin with a slash")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


def _look_up(value: Any, pointer: str) -> Any:
    for part in pointer_parts(pointer):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
