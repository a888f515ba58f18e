"""Which events a consumer follows: a pattern of kinds, and the names of events."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from .events import FINAL_STATE, EventName

GROUP_PATTERN: Final = r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$(?!\n)"
"""What a group may be called: 1 to 64 letters, digits, `_`, `.` and `-`, not starting with a digit."""

_GROUP = re.compile(GROUP_PATTERN)
_KINDS = re.compile(r"[A-Za-z0-9_.*-]{1,128}")

TERMINAL_EVENTS: Final = tuple(str(name) for name in FINAL_STATE)
"""What a consumer follows that names no events."""

MAX_PATTERNS: Final = 100
"""Patterns of one group."""


class EventPattern(msgspec.Struct, frozen=True, array_like=True):
    """Events of some kinds. Its form in the store: the pattern of kinds, and ` succeeded failed `."""

    kinds: str
    """A kind, or a pattern in which `*` stands for any characters, such as `order.*`."""
    events: str
    """Their names in order, with a space before and after each."""

    @classmethod
    def of(cls, kinds: str, events: Iterable[str] = TERMINAL_EVENTS) -> "EventPattern":
        """Return the pattern.

        Raises:
            ValueError: the kinds are no pattern, or an event has a name that no event has; says what to do.

        """
        if not _KINDS.fullmatch(kinds):
            raise ValueError(
                f"{kinds[:150]!r} is neither a kind nor a pattern of kinds; take 1 to 128 letters, digits, `_`, `.` "
                "and `-`, and `*` for any characters, such as order.*"
            )
        names = set(events)
        unknown = sorted(names - set(EventName))
        if unknown:
            raise ValueError(f"{unknown[0][:100]!r} is no event; there are: {', '.join(EventName)}")
        if not names:
            raise ValueError("events is empty; name at least one, or leave it out for those that end a job")
        return cls(kinds, f" {' '.join(name for name in EventName if name in names)} ")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the events."""
        return tuple(self.events.split())

    def matches(self, kind: str, event: str) -> bool:
        """Return whether an event is one of these; `lua/lib/events/followers.lua` decides alike."""
        return f" {event} " in self.events and self._expression.fullmatch(kind) is not None

    @property
    def _expression(self) -> re.Pattern[str]:
        return re.compile(".*".join(re.escape(part) for part in self.kinds.split("*")))

    @property
    def rank(self) -> tuple[bool, int]:
        """How closely it names its kinds: of several that match, the handler of the highest gets an event."""
        return "*" not in self.kinds, len(self.kinds)


def check_group(group: str) -> str:
    """Return a group's name.

    Raises:
        ValueError: a group may not be called so.

    """
    if not _GROUP.fullmatch(group):
        raise ValueError(
            f"group is {group[:100]!r}; a group is called by 1 to 64 letters, digits, `_`, `.` and `-`, "
            "not starting with a digit"
        )
    return group
