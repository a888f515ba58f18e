"""The overview: how the whole system stands at one moment, as operators are shown it each second."""

from typing import Annotated

import msgspec

from .text_types import one_of


class QueueLine(msgspec.Struct, frozen=True, kw_only=True):
    """One tier of a queue."""

    queue: str
    """The queue."""
    tier: str
    """The tier."""
    waiting: int
    """Jobs that wait for a worker."""
    running: int
    """Jobs that workers run."""
    scheduled: int
    """Of the whole queue: delayed starts and retries."""
    dead: int
    """Dead letters of the whole queue."""
    oldest: float | None = None
    """How long the job that has waited longest has waited, s; null: none waits."""
    paused: bool = False
    """Whether an operator has paused the queue: its workers take nothing."""
    rate_in: float = 0.0
    """Jobs that came a second, over the last ones."""
    rate_out: float = 0.0
    """Jobs that left a second, over the last ones."""
    eta: float | None = None
    """Seconds until a job that came now would start, by the rate at which the tier drains; null: unknown."""
    served: bool
    """Whether a worker that lives serves the tier."""


class KindLine(msgspec.Struct, frozen=True, kw_only=True):
    """One kind."""

    kind: str
    """The kind."""
    queue: str
    """The queue that its jobs wait in."""
    tiers: tuple[str, ...]
    """The tiers that its jobs may belong to."""


class RunningJob(msgspec.Struct, frozen=True, kw_only=True):
    """One job that a worker runs."""

    token: str
    """The job."""
    kind: str
    """Its kind."""
    since: int
    """When this attempt began, ms since the epoch by the worker's clock."""


class WorkerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One worker that lives."""

    worker: str
    """The worker's name."""
    host: str
    """The host that it runs on."""
    pid: int
    """Its process's number there."""
    version: str
    """The release of tidings it runs."""
    queues: list[str]
    """The queues it serves."""
    tiers: dict[str, int]
    """The tiers it serves and the slots each owns; empty: all tiers of its queues, from one pool."""
    slots: int
    """How many jobs it may run at a time."""
    busy: int = 0
    """Slots in use."""
    cpu: float | None = None
    """Of one core, over its last heartbeat; null: not known. Handlers in child processes do not count."""
    memory: int | None = None
    """Resident bytes; null: not known."""
    since: int = 0
    """When it started, ms since the epoch by its own clock."""
    seen: float = 0.0
    """How long ago it last said that it lives, s."""
    running: list[RunningJob] = []
    """What it runs, those that began first; at most 50 (`busy` counts all)."""


class BreakerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One circuit breaker."""

    breaker: str
    """The breaker's name."""
    state: Annotated[str, one_of("closed", "open", "half_open")]
    """`closed`, `open` or `half_open`."""
    since: int | None = None
    """When it came into that state, ms since the epoch; null: it has never been in another."""
    forced: bool = False
    """Whether an operator holds it there."""


class Percentiles(msgspec.Struct, frozen=True):
    """Of some durations, s."""

    p50: float
    """Half of them took no longer, s."""
    p95: float
    """95 of 100 took no longer, s."""
    p99: float
    """99 of 100 took no longer, s."""


class LatencyLine(msgspec.Struct, frozen=True, kw_only=True):
    """How long the jobs of a kind took that ended in the last minute."""

    kind: str
    """Empty: all kinds together."""
    count: int
    """How many ended."""
    failed: int
    """Those of them that failed or expired."""
    ack: Percentiles | None = None
    """From the request to the answer that the job is durably accepted, as this server saw it; null: not measured."""
    wait: Percentiles | None = None
    """From when it was queued the last time until a worker took it."""
    run: Percentiles | None = None
    """Of the last attempt."""
    total: Percentiles | None = None
    """From the submission to the end."""
    notify: Percentiles | None = None
    """From an event's publication to its write to the client, as this server saw it; all kinds together only."""


class ConnectionCount(msgspec.Struct, frozen=True, kw_only=True):
    """What the answering server process holds."""

    sockets: int
    """Open sockets."""
    streams: int
    """Open streams."""
    watches: int
    """Jobs that are watched over all of them."""
    slow: int
    """Connections that have not read what waits for them."""


class StoreLine(msgspec.Struct, frozen=True, kw_only=True):
    """The store."""

    memory: int | None
    """Bytes it uses; null: it does not tell."""
    limit: int | None
    """The bytes it may use (`maxmemory`); null: it has no limit, or does not tell."""


class OverviewBody(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    at: int
    """ms since the epoch, by the server's clock."""
    queues: list[QueueLine]
    """The tiers of all queues."""
    kinds: list[KindLine]
    """The kinds that workers have registered."""
    workers: list[WorkerLine]
    """The workers that live."""
    breakers: list[BreakerLine]
    """The circuit breakers."""
    latency: list[LatencyLine]
    """Of the last minute; all kinds first. Empty where no chronicle is kept."""
    connections: ConnectionCount
    """What the answering server process holds."""
    store: StoreLine
    """The store."""


class Overview(OverviewBody, frozen=True, kw_only=True, tag="overview", tag_field="type"):
    """Sent each second to those who observe."""
