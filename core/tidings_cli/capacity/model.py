"""How much store, servers and workers a load needs: a model of measured costs. Pure.

docs/explanation/capacity.md derives each line and says how far it is from measurements. Tests compare the bytes with a
real store, and the times with docs/reference/benchmarks-scale.md.
"""

import math

import msgspec

SERVER_US, SERVER_EVENT_US = 46.0, 8.0
"""CPU of a server for a job, and for each event that it passes to one watcher, µs."""
WORKER_US, WORKER_EVENT_US = 32.0, 7.0
"""CPU of a worker for a job whose handler does nothing, and for each event, µs."""
STORE_US, STORE_EVENT_US = 36.0, 7.0
"""CPU of the store for a job, and for each event, µs; it has one core."""

SOCKET_BYTES = 7_300
"""Of a server, for a client that is connected."""
SOCKETS_OF_A_SERVER = 25_000
"""Clients of one server: half of TIDINGS_MAX_CONNECTIONS, so that one server can take those of another."""
PROCESS_BYTES = 90_000_000
"""Of a server or a worker that does nothing."""

FINISHED_BYTES = 350
"""Of the store, for a finished job without key, result and log, until TIDINGS_RESULT_TTL_S is over."""
COMPACT_BYTES = 170
"""The same, with a compact record (TIDINGS_COMPACT_RECORDS), which holds a result of any size in one block."""
KEY_BYTES = 170
"""Of an idempotency key, until TIDINGS_DEDUP_WINDOW_S is over."""
SMALL_RESULT_BYTES = 60
"""A result up to this size, as JSON, lies packed in the record of its job."""
LARGE_RESULT_BYTES = 450
"""What a larger one costs beside its own bytes: the record is then a table."""
PROGRESS_BYTES = 75
"""Of the last progress."""
LOG_BYTES, LOG_BLOCK_BYTES = 4_350, 3_500
"""Of a log, and its entries that this holds: the store gives a stream blocks of 4 KB."""
WAITING_BYTES = 390
"""Of a job that waits, beside its input."""
BLOCK_FACTOR = 1.1
"""Memory for each byte of an input, a result or a log: blocks come in sizes."""
FILE_BYTES = 1_500
"""What a job adds to the append-only file, beside input, result and events."""
FILE_COMPACT_BYTES = 1_250
"""The same, with a compact record."""
FILE_KEY_BYTES, FILE_EVENT_BYTES = 180, 70
"""What a key adds, and an event beside its own text."""

FRAGMENTATION = 1.25
"""Memory of the store's process for each byte in use."""
STORE_MB_A_JOB = 0.003
"""Bytes between a job's processes and the store, MB."""

SERVER_CONNECTIONS = 8
"""Connections of a server to the store, at rest and with one queue."""
WORKER_CONNECTIONS = 6
"""Connections of a worker to the store, with one queue; each more has one more."""


class CapacityLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What comes, and what is promised."""

    jobs_per_s: float
    sockets: int
    run_s: float
    """How long a handler takes, mean."""
    events: float
    """Progress events and log entries of a job."""
    watchers: float
    """Clients that watch a job, mean."""
    input_bytes: int
    result_bytes: int
    log_bytes: int
    """Of a job's log; 0: none."""
    keyed: bool
    """Whether submissions have idempotency keys."""
    compact: bool
    """Whether workers leave compact records."""
    result_ttl_s: float
    dedup_window_s: float
    outage_s: float
    """How long workers may be away, so that jobs wait."""
    queues: int
    slots: int
    """Of a worker."""
    busy: float
    """Share of a core that may be busy."""


class CapacityPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What it needs."""

    store_cores: float
    """Of which a store has one."""
    stores: int
    servers: int
    """One more than the load needs, so that one may be away."""
    server_bytes: int
    """Of each, when one is away."""
    server_files: int
    """Open files of each, when one is away."""
    workers: int
    """One more than the load needs."""
    running: float
    """Jobs that run at a time, mean: Little's law."""
    finished_bytes: int
    key_bytes: int
    waiting_bytes: int
    maxmemory_bytes: int
    """For the `maxmemory` of all stores together."""
    machine_bytes: int
    """Memory of the machines of all stores together, while their files are rewritten."""
    file_bytes_per_s: float
    store_mb_per_s: float
    connections: int
    """To each store."""
    limit: str
    """Which limit this load meets first."""


def finished_bytes(load: CapacityLoad) -> float:
    """Return what a finished job takes of the store's memory, without its key."""
    bytes_ = float(COMPACT_BYTES if load.compact else FINISHED_BYTES)
    if load.compact:
        bytes_ += load.result_bytes * BLOCK_FACTOR
    elif load.result_bytes > SMALL_RESULT_BYTES:
        bytes_ += LARGE_RESULT_BYTES + load.result_bytes * BLOCK_FACTOR
    else:
        bytes_ += load.result_bytes
    if load.log_bytes:
        bytes_ += LOG_BYTES + max(0, load.log_bytes - LOG_BLOCK_BYTES) * BLOCK_FACTOR
    return bytes_ + (PROGRESS_BYTES if load.events else 0)


def waiting_bytes(load: CapacityLoad) -> float:
    """Return what a job that waits takes of the store's memory."""
    return WAITING_BYTES + load.input_bytes * BLOCK_FACTOR


def file_bytes(load: CapacityLoad) -> float:
    """Return what a job adds to the append-only file."""
    texts = load.input_bytes + load.result_bytes + load.log_bytes
    record = FILE_COMPACT_BYTES if load.compact else FILE_BYTES
    return record + texts + load.events * FILE_EVENT_BYTES + (FILE_KEY_BYTES if load.keyed else 0)


def plan(load: CapacityLoad) -> CapacityPlan:
    """Return what a load needs."""
    rate = load.jobs_per_s
    store = rate * (STORE_US + STORE_EVENT_US * load.events) / 1e6
    # An ack and a final event go to the one who submits, and every event to each watcher.
    server = rate * (SERVER_US + SERVER_EVENT_US * load.events * load.watchers) / 1e6
    worker = rate * (WORKER_US + WORKER_EVENT_US * load.events) / 1e6
    running = rate * load.run_s
    stores = max(1, math.ceil(store / load.busy))
    servers = max(1, math.ceil(server / load.busy), math.ceil(load.sockets / SOCKETS_OF_A_SERVER))
    workers = max(1, math.ceil(worker / load.busy), math.ceil(running / (load.slots * load.busy)))
    finished = finished_bytes(load) * rate * load.result_ttl_s
    keys = KEY_BYTES * rate * load.dedup_window_s if load.keyed else 0.0
    waiting = waiting_bytes(load) * rate * load.outage_s
    used = finished + keys + waiting
    maxmemory = used / NEARLY_FULL_SHARE
    sockets = math.ceil(load.sockets / servers)
    connections = (servers + 1) * SERVER_CONNECTIONS + (workers + 1) * (WORKER_CONNECTIONS + load.queues - 1)
    return CapacityPlan(
        store_cores=store,
        stores=stores,
        servers=servers + 1,
        server_bytes=PROCESS_BYTES + sockets * SOCKET_BYTES,
        server_files=sockets + 200,
        workers=workers + 1,
        running=running,
        finished_bytes=round(finished),
        key_bytes=round(keys),
        waiting_bytes=round(waiting),
        maxmemory_bytes=round(maxmemory),
        machine_bytes=round(maxmemory * FRAGMENTATION + used),
        file_bytes_per_s=rate * file_bytes(load),
        store_mb_per_s=rate * STORE_MB_A_JOB,
        connections=connections,
        limit=_limit(load, stores, finished, keys + waiting),
    )


NEARLY_FULL_SHARE = 0.8
"""The share of `maxmemory` above which operators are warned."""
LARGE_STORE_BYTES = 32_000_000_000
"""Memory above which a store takes minutes to start and to rewrite its file."""


def _limit(load: CapacityLoad, stores: int, finished: float, others: float) -> str:
    room = LARGE_STORE_BYTES * stores - others
    if room <= 0:
        return (
            f"the store's memory: keys and jobs that wait take {others / 1e9:.3g} GB alone; shorten "
            "TIDINGS_DEDUP_WINDOW_S, or have more workers"
        )
    if finished > room:
        kept = max(1, int(room / finished * load.result_ttl_s))
        return (
            f"the store's memory: finished jobs are kept for {load.result_ttl_s:g} s; with TIDINGS_RESULT_TTL_S={kept} "
            f"all fits into {LARGE_STORE_BYTES * stores / 1e9:g} GB"
        )
    if stores > 1:
        return (
            "the store's one core: give kinds queues of their own, and groups of queues a store, servers and workers "
            "of their own"
        )
    if load.sockets > SOCKETS_OF_A_SERVER:
        return "sockets: servers are added for them, not for jobs"
    return "none: one store, and few processes"
