"""Groups of consumers as operators see and move them over HTTP, under `/v1/admin/groups`."""

from typing import Annotated

import msgspec

from tidings.protocol.partial_answer import PartialAnswer
from tidings.protocol.text_types import EventText, MomentText, one_of

MAX_LETTERS = 1_000
"""Dead events that one request lists, or gives a group again, in each queue."""

GroupName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
PlaceInStream = Annotated[str, msgspec.Meta(pattern=r"^\d{1,19}-\d{1,19}$(?!\n)")]


class GroupLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a group stands in one queue."""

    group: str
    """The group."""
    queue: str
    """The queue whose events it follows."""
    follows: list[str]
    """Kinds, or patterns of kinds, each with the events, such as `order.*: succeeded, failed`."""
    behind: int | None
    """Events that it has not handled; null: not known, as an operator moved it."""
    oldest: float | None
    """How long ago the first of them happened, s; null: there is none."""
    in_hand: int
    """Jobs of which a worker handles an event, or an event waits for its next try."""
    handled: int
    """Events that it has handled since it joined."""
    missed: int
    """Events that the store trimmed before the group had taken them."""
    missed_at: MomentText | None
    """When it found that; null: it has missed none that it knows of."""
    dead: int
    """Events that it could not handle, and that wait for an operator."""
    paused: bool
    """Whether an operator paused it."""
    position: str
    """The last entry of the queue's stream that it has taken."""


class GroupList(PartialAnswer, frozen=True, kw_only=True):
    """The groups of consumers."""

    groups: list[GroupLine]
    """By group, then by queue."""


class GroupChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The group that an operator pauses, resumes, forgets, or has skip what it has not handled."""

    group: GroupName
    """Its name."""
    queue: str | None = None
    """In this queue alone; null: in each whose events it follows."""


class GroupReplay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a group is to begin again: one of `since`, `position` and `from_start`."""

    group: GroupName
    """Its name."""
    queue: str | None = None
    """In this queue alone; null: in each whose events it follows."""
    since: MomentText | None = None
    """From what happened at this moment on."""
    position: PlaceInStream | None = None
    """Behind this entry."""
    from_start: bool = False
    """From the first event that the store has."""


class GroupRetry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dead events that a group is to handle again."""

    group: GroupName
    """Its name."""
    queue: str | None = None
    """Of this queue alone; null: of each whose events it follows."""
    letters: Annotated[list[PlaceInStream], msgspec.Meta(min_length=1, max_length=MAX_LETTERS)] | None = None
    """Their letters; null: all, at most 1000 of each queue."""


class GroupChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a request did to a group in one queue."""

    queue: str
    """The queue."""
    answer: Annotated[str, one_of("ok", "same", "gone")]
    """`ok`; `same`: it was so before; `gone`: the group is there no more."""
    position: str | None = None
    """Of a replay and a skip: the entry behind which the group goes on."""
    dropped: int = 0
    """Of a replay and a skip: events that waited in the group's hand, and are not tried by themselves."""
    first: str | None = None
    """Of a replay: the first entry that the store has; what was before it cannot be replayed."""
    events: int = 0
    """Of a retry: how many events the group gets again."""


class GroupsActed(PartialAnswer, frozen=True, kw_only=True):
    """What a request did to a group."""

    changes: list[GroupChange]
    """In each queue."""


class GroupLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a group could not handle."""

    letter: str
    """The name of its letter."""
    queue: str
    """The queue of its job."""
    token: str
    """The job."""
    kind: str
    """The job's kind."""
    event: EventText
    """What happened to the job."""
    tries: int
    """How often the group tried."""
    why: str
    """Why the last try failed."""


class GroupLetters(PartialAnswer, frozen=True, kw_only=True):
    """The events that a group could not handle."""

    letters: list[GroupLetter]
    """By queue, the oldest first."""
