"""Changes of kinds, as operators see them over HTTP."""

from typing import Annotated

import msgspec

from tidings.protocol.text_types import one_of


class SchemaChange(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a kind's present record differs from the one before, and that may break something."""

    rule: str
    """The code of the rule."""
    level: Annotated[str, one_of("breaking", "allowed", "notice")]
    """`breaking`: nothing allows it; `allowed`: the version was raised; `notice`: it is a way to deploy."""
    says: str
    """What has changed."""
    pointer: str
    """JSON Pointer into an input or a result: where; empty: as a whole."""
    detail: str
    """What is given there, and what is wanted; empty: the rule says all. Cut at 500 characters."""
    breaks: list[str]
    """Whom it breaks: `queued inputs`, `clients`, `readers of results`, `readers of streams`."""
    advice: str
    """What the author of the kind does about it."""


class ReplacedKindLine(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of which a worker has registered another record than the one before."""

    kind: str
    """The kind."""
    at: int
    """When a worker registered the present record, ms since the epoch."""
    version_before: int | None
    """The version in the record before; null: `unreadable` says why."""
    version: int | None
    """The version in the present record; null: `unreadable` says why."""
    fields: list[str]
    """The fields of the record that differ, as `GET /v1/kinds` names them."""
    changes: list[SchemaChange]
    """What may break something; empty: nothing of the change does. The first 100."""
    more: int = 0
    """How many further changes the answer leaves out."""
    unreadable: str = ""
    """Why the records cannot be compared; empty: they can."""


class KindChangeList(msgspec.Struct, frozen=True, kw_only=True):
    """The kinds that have changed, the last change of each, the newest first."""

    kinds: list[ReplacedKindLine]
    """The kinds; as many as were asked for at the most."""
    total: int
    """How many there are."""
