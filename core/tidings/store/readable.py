"""Records in the store that may be of another release, or broken: those that cannot be read are left out."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
import structlog

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

Read = TypeVar("Read")

MAX_SAID = 1_000
"""Records of which a process remembers that it has said so."""

_said: set[tuple[str, str]] = set()


def decode_readable(records: Mapping[str, bytes], decode: Callable[[bytes], Read], what: str) -> dict[str, Read]:
    """Return the records that can be read; of each other the log says so once.

    Args:
        records: by name.
        decode: reads one; raises what msgspec does.
        what: what they are, for the log.

    """
    found: dict[str, Read] = {}
    for name, raw in records.items():
        try:
            found[name] = decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            _say(what, name[:200], str(error)[:300])
    return found


def _say(what: str, name: str, error: str) -> None:
    if (what, name) not in _said and len(_said) < MAX_SAID:
        _said.add((what, name))
        log.warning("record_left_out", record=what, name=name, error=error)
