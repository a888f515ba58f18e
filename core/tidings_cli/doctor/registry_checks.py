"""The checks of what is registered in the store: kinds, and the workers that serve them."""

from redis.asyncio import Redis

from tidings.store.admin.queue_stats import QueueStats, read_queue_stats
from tidings.store.redis.store_client import keys_of
from tidings.store.registry import Registry, WorkerRecord

from .finding import Finding, danger, ok, warning
from .store_checks import CLOCK_S

MOST_NAMED = 5
"""Names in one line; more are counted."""


async def check_registry(store: Redis) -> list[Finding]:
    """Return the findings about kinds and workers.

    Raises:
        StoreError: the store has gone meanwhile.

    """
    keys = keys_of(store)
    registered = await Registry(store, keys).read()
    stats = await read_queue_stats(store, keys, registered)
    return [
        _workers(stats, keys.prefix),
        _waiting(stats),
        _kinds(stats),
        _left_out(registered.left_out),
        _clocks(stats.workers),
        _versions(stats.workers),
    ]


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _workers(stats: QueueStats, prefix: str) -> Finding:
    if not stats.workers:
        says = f"no worker lives under the key prefix {prefix}"
        return danger("workers.living", says, "start one with the same TIDINGS_KEY_PREFIX: tidings work MODULE")
    return ok("workers.living", f"{len(stats.workers)} live")


def _waiting(stats: QueueStats) -> Finding:
    if stats.missing is not None:
        lacks = f"nothing is known of {_named(stats.missing.queues)}" if stats.missing.queues else "no queue is on them"
        nodes = _named(stats.missing.nodes) or "some slots have no node"
        return danger("jobs.waiting", f"nodes of the store do not answer ({nodes}): {lacks}", "start them again")
    waits = [*stats.unserved, *(f"{one.jobs} jobs of {one.kind}" for one in stats.unserved_kinds)]
    if waits:
        return danger("jobs.waiting", f"jobs wait that no worker serves: {_named(waits)}", "start their workers")
    if stats.paused:
        return warning("jobs.waiting", f"paused: {_named(stats.paused)}", "`tidings resume QUEUE` ends it")
    return ok("jobs.waiting", f"{sum(one.waiting for one in stats.queues)} jobs wait, all for workers that live")


def _kinds(stats: QueueStats) -> Finding:
    served = {kind for worker in stats.workers for kind in worker.kinds}
    lacking = [kind.kind for kind in stats.kinds if kind.kind not in served]
    if lacking:
        return warning(
            "kinds.served",
            f"no worker serves {_named(lacking)}: servers accept their jobs, which wait",
            "start their workers, or `tidings kinds remove KIND`",
        )
    return ok("kinds.served", f"{len(stats.kinds)} kinds, each with a worker")


def _left_out(left_out: dict[str, str]) -> Finding:
    if left_out:
        name, why = next(iter(left_out.items()))
        return danger(
            "kinds.usable",
            f"servers cannot use {len(left_out)} kinds, such as {name}: {why}",
            "start a worker of this release with them, or `tidings kinds remove KIND`",
        )
    return ok("kinds.usable", "servers can use every kind")


def _clocks(workers: list[WorkerRecord]) -> Finding:
    # The store stamps a heartbeat when it comes, some milliseconds after the worker did.
    told = [((one.told_ms - one.seen_ms) / 1000, one.worker) for one in workers if one.told_ms]
    if not told:
        return ok("workers.clocks", "no worker says its time")
    ahead, name = max(told, key=lambda one: abs(one[0]))
    shown = f"the clock of {name} is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} the store's"
    if abs(ahead) > CLOCK_S:
        return warning("workers.clocks", shown, "run NTP on all machines: logs and traces go by their clocks")
    return ok("workers.clocks", f"{len(told)} workers; {shown}, and no other is further off")


def _versions(workers: list[WorkerRecord]) -> Finding:
    found = sorted({one.version for one in workers})
    if len(found) > 1:
        return warning("workers.releases", f"workers of releases {', '.join(found)}", "finish the deploy")
    return ok("workers.releases", ", ".join(found) or "none")
