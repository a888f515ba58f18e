"""Kinds: what workers register about the work they can do, and what `GET /v1/kinds` answers."""

from collections.abc import Callable
from typing import Annotated

import msgspec

from tidings.protocol.text_types import one_of
from tidings.protocol.webhooks import WebhookRequest

from .tier_rule import QueueName, TierRule

KIND_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$(?!\n)"
"""What a kind may be called: 1 to 128 letters, digits, `_`, `.` and `-`, not starting with a digit."""


class KindRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One kind as a worker registers it in the store and as clients may read it."""

    kind: Annotated[str, msgspec.Meta(pattern=KIND_PATTERN)]
    """The name of the kind."""
    version: int = 1
    """The version of the kind's input, as its module declares it."""
    oldest_version: int | None = None
    """The oldest version whose queued inputs its workers still take; null: they did not say."""
    queue: QueueName = "default"
    """The queue that its jobs wait in."""
    tier: QueueName = "standard"
    """Of its jobs; where there is a `route`: of those that it does not send elsewhere."""
    route: TierRule | None = None
    """By which its jobs are given one of two tiers."""
    description: str = ""
    """What the work is: the handler's docstring."""
    input: msgspec.Raw
    """JSON Schema (2020-12) of the input."""
    result: msgspec.Raw
    """JSON Schema of the result, where the handler declares one; else null."""
    chunk: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    """JSON Schema of a chunk of the stream `main`, where the handler is a generator and declares what it yields."""
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
    limit: int | None = None
    """How many of its jobs run at a time, over all workers."""
    limit_by: str | None = None
    """A text with fields of the input in braces: so many for each value."""
    rate: float | None = None
    """How many of its jobs start in `rate_per` seconds, over all workers."""
    rate_per: float = 1.0
    """The seconds that `rate` counts in."""
    max_eta: float | None = None
    """Seconds: a job that would wait longer is refused, or what the following say."""
    when_busy: Annotated[str, one_of("refuse", "shed")] = "refuse"
    """`shed`: instead, the least important job that waits fails with the code `shed`."""
    fallback: str | None = None
    """The kind that answers instead."""
    breaker: str | None = None
    """The breaker that stops its jobs while a service fails."""
    when_open: Annotated[str, one_of("wait", "fail")] | None = None
    """What becomes of a submission then: `wait`, it is taken and runs later; `fail`, it is refused (`circuit_open`)."""
    webhook: WebhookRequest | None = None
    """Where workers send what happens to each of its jobs. Servers do not show it to clients: null."""
    mcp: bool = False
    """Whether servers offer it as a tool to clients of the Model Context Protocol."""

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers its jobs may belong to."""
        return (self.tier,) if self.route is None else (self.route.otherwise, self.route.then)


encode_kind: Callable[[KindRecord], bytes] = msgspec.json.Encoder().encode
decode_kind: Callable[[bytes | str], KindRecord] = msgspec.json.Decoder(KindRecord).decode
