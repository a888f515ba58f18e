"""The overview: the state of the whole system at one moment, which the server sends to operators each second."""

from typing import Annotated

import msgspec

from tidings.protocol.text_types import one_of


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
    """Jobs of the whole queue that wait for their delayed start or for a retry."""
    dead: int
    """Dead letters of the whole queue."""
    oldest: float | None = None
    """How long the oldest waiting job has waited, s; null: no job waits."""
    paused: bool = False
    """Whether an operator has paused the queue: its workers take no jobs."""
    rate_in: float = 0.0
    """Jobs that came a second, over the last seconds."""
    rate_out: float = 0.0
    """Jobs that left a second, over the last seconds."""
    eta: float | None = None
    """Seconds until a job that came now would start, by the rate at which the tier drains; null: unknown."""
    served: bool
    """Whether a live worker serves the tier."""


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
    """The job's token."""
    kind: str
    """The job's kind."""
    since: int
    """When the attempt began, ms since the epoch by the worker's clock."""


class WorkerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One live worker."""

    worker: str
    """The worker's name."""
    host: str
    """The host that it runs on."""
    pid: int
    """The number of its process on that host."""
    version: str
    """The release of Tidings that it runs."""
    queues: list[str]
    """The queues that it serves."""
    tiers: dict[str, int]
    """The tiers that it serves, with the slots that each owns; empty: all tiers of its queues share one pool."""
    slots: int
    """How many jobs it may run at a time."""
    busy: int = 0
    """Slots in use."""
    cpu: float | None = None
    """The share of one core that it used over its last heartbeat, without child processes; null: unknown."""
    memory: int | None = None
    """Its resident memory, bytes; null: unknown."""
    since: int = 0
    """When it started, ms since the epoch by the worker's clock."""
    seen: float = 0.0
    """How long ago its last heartbeat was, s."""
    sending: int | None = None
    """Deliveries to webhooks that it has under way; null: it delivers none."""
    delivery_slots: int = 0
    """How many deliveries it sends at a time; one that has no `slots` does nothing else."""
    running: list[RunningJob] = []
    """The jobs that it runs, oldest attempt first; at most 50 (`busy` counts all)."""


class BreakerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One circuit breaker."""

    breaker: str
    """The breaker's name."""
    state: Annotated[str, one_of("closed", "open", "half_open")]
    """`closed`, `open` or `half_open`."""
    since: int | None = None
    """When it came into that state, ms since the epoch; null: it has never been in another state."""
    forced: bool = False
    """Whether an operator holds it in that state."""


class Percentiles(msgspec.Struct, frozen=True):
    """Percentiles of durations, s."""

    p50: float
    """Half of the durations are no longer than this, s."""
    p95: float
    """95 of 100 durations are no longer than this, s."""
    p99: float
    """99 of 100 durations are no longer than this, s."""


class LatencyLine(msgspec.Struct, frozen=True, kw_only=True):
    """The times of a kind's jobs that ended in the last minute."""

    kind: str
    """The kind; empty: all kinds together."""
    count: int
    """How many jobs ended."""
    failed: int
    """How many of them failed or expired."""
    ack: Percentiles | None = None
    """Time from a submit to its ack, measured by the server that answers; null: not measured."""
    wait: Percentiles | None = None
    """Time from when a job was last queued until a worker took it."""
    run: Percentiles | None = None
    """Time that the last attempt took."""
    total: Percentiles | None = None
    """Time from submission to end."""
    notify: Percentiles | None = None
    """Time from the store's publication of an event until the server that answers wrote it; for all kinds only."""


class ConnectionCount(msgspec.Struct, frozen=True, kw_only=True):
    """The connections of the server process that answers."""

    sockets: int
    """Open WebSockets."""
    streams: int
    """Open streams of server-sent events."""
    watches: int
    """Watches of jobs over all connections."""
    slow: int
    """Connections whose clients read too slowly."""


class StoreLine(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of the store, and of a cluster what does not answer."""

    memory: int | None
    """The bytes that the store uses; null: unknown."""
    limit: int | None
    """The bytes that the store may use (`maxmemory`); null: no limit, or unknown."""
    silent_nodes: list[str] = []
    """The addresses of the nodes of a cluster that do not answer."""
    missing_queues: list[str] = []
    """Queues that lie on such nodes, or on none: the overview has nothing of them."""
    stale: list[str] = []
    """Which of `kinds`, `workers` and `breakers` are as the server last read them, as their node does not answer."""


class OverviewBody(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the whole system at one moment."""

    at: int
    """The moment, ms since the epoch, by the server's clock."""
    queues: list[QueueLine]
    """The tiers of all queues."""
    kinds: list[KindLine]
    """The kinds that workers have registered."""
    workers: list[WorkerLine]
    """The live workers."""
    breakers: list[BreakerLine]
    """The circuit breakers."""
    latency: list[LatencyLine]
    """The latencies of the last minute, all kinds together first; empty where the store keeps no chronicle."""
    connections: ConnectionCount
    """The connections of the server process that answers."""
    store: StoreLine
    """The memory of the store, and of a cluster what does not answer."""


class Overview(OverviewBody, frozen=True, kw_only=True, tag="overview", tag_field="type"):
    """The frame that the server sends each second to each socket that observes."""
