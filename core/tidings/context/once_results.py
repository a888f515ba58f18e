"""What `ctx.once` keeps: names and results within bounds."""

from typing import Any

from tidings.schema.codec import encode

MAX_ONCE_NAME = 200
"""Characters in a name that `once` takes."""

MAX_ONCE_RESULT_BYTES = 65_536
"""Size of a result of `once`, as JSON: the store keeps it in the job's record."""


def check_once_name(name: str) -> None:
    """Check a name that `once` is given.

    Raises:
        ValueError: it is empty or too long.

    """
    if not 1 <= len(name) <= MAX_ONCE_NAME:
        raise ValueError(f"once: a name has 1 to {MAX_ONCE_NAME} characters; this one has {len(name)}")


def once_result_json(name: str, result: Any) -> str:
    """Return a result of `once` as the store keeps it: JSON text.

    Raises:
        ValueError: it is too large.
        TypeError: JSON has no form for it.

    """
    encoded = encode(result)
    if len(encoded) > MAX_ONCE_RESULT_BYTES:
        raise ValueError(
            f"once: the result of {name!r} has {len(encoded)} bytes as JSON; the store keeps at most "
            f"{MAX_ONCE_RESULT_BYTES}: return a reference"
        )
    return encoded.decode()
