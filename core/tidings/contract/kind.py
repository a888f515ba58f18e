"""Kinds: what workers register about the work they can do, and what `GET /v1/kinds` answers."""

from typing import Annotated

import msgspec

from .token import QUEUE_PATTERN

KIND_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$(?!\n)"
"""What a kind may be called: 1 to 128 letters, digits, `_`, `.` and `-`, not starting with a digit."""

Name = Annotated[str, msgspec.Meta(pattern=QUEUE_PATTERN)]


class KindRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One kind as a worker registers it in the store and as clients may read it."""

    kind: Annotated[str, msgspec.Meta(pattern=KIND_PATTERN)]
    version: int = 1
    queue: Name = "default"
    tier: Name = "normal"
    description: str = ""
    input: msgspec.Raw
    """JSON Schema (2020-12) of the input."""
    result: msgspec.Raw
    """JSON Schema of the result, where the handler declares one; else null."""
    timeout: float | None = None
    """Seconds an attempt may take; None: no limit of its own."""
    retries: int = 0
    """How often a failed attempt is repeated."""
    unique: str | None = None
    """A text with fields of the input in braces: one live job for each value."""
    unique_for: float | None = None
    """Seconds after which a live job no longer stands in the way of the next."""
    every: float | None = None
    """Seconds between the runs of a recurring kind."""
    cron: str | None = None
    """The cron line by which it recurs."""
    timezone: str | None = None
    """The time zone of that line."""
    breaker: str | None = None
    """The breaker that stops its jobs while a service fails."""
    when_open: str | None = None
    """What becomes of a submission then: `wait`, it is taken and runs later; `fail`, it is refused (`circuit_open`)."""


encode_kind = msgspec.json.Encoder().encode
decode_kind = msgspec.json.Decoder(KindRecord).decode
