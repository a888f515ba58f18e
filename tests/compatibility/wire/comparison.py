"""What of a contract was added, and what was broken, between two recordings of it."""

from typing import Any, NamedTuple

ANY = "…"
"""In a recording: a value that says nothing."""


class Differences(NamedTuple):
    """Both are places with what is there, a line each."""

    added: list[str]
    broken: list[str]


def differences(old: Any, new: Any, place: str = "") -> Differences:
    """Compare what was recorded with what is said now.

    A field, or an item at the end of a list of texts, that is new is an addition. One that is gone, of another type, or
    another constant, breaks what was promised.
    """
    found = Differences([], [])
    _compare(old, new, place, found)
    return found


def _compare(old: Any, new: Any, place: str, found: Differences) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        found.broken.extend(f"{place}/{name}: gone" for name in old if name not in new)
        found.added.extend(f"{place}/{name}: new" for name in new if name not in old)
        for name in old.keys() & new.keys():
            _compare(old[name], new[name], f"{place}/{name}", found)
    elif isinstance(old, list) and isinstance(new, list):
        _compare_lists(old, new, place, found)
    elif _type(old) != _type(new):
        found.broken.append(f"{place}: was {_type(old)}, is {_type(new)}")
    elif old != new:
        found.broken.append(f"{place}: was {old!r}, is {new!r}")


def _compare_lists(old: list[Any], new: list[Any], place: str, found: Differences) -> None:
    if all(isinstance(one, str) for one in [*old, *new]):  # a set, such as `features`
        found.broken.extend(f"{place}: {one!r} is gone" for one in old if one not in new)
        found.added.extend(f"{place}: {one!r} is new" for one in new if one not in old)
        return
    for index, (before, after) in enumerate(zip(old, new, strict=False)):
        _compare(before, after, f"{place}/{index}", found)
    if len(new) < len(old):
        found.broken.append(f"{place}: {len(old)} items, now {len(new)}")
    elif len(new) > len(old):
        found.added.append(f"{place}: {len(new)} items, before {len(old)}")


def _type(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
