"""What fails in a trial. Each fault is done when the store is whole again; what it returns is for people."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import redis

from cluster.kind_files import QUEUES
from cluster.trial.trial import LEASE_S, MOST_GAP_S, Trial
from cluster.trial.trial_client import TrialClient
from support.store import StoreProcess
from support.stores.cluster import StoreCluster
from support.timeouts import scaled
from support.waiting import until_async
from tidings.store.keys import StoreKeys
from tidings.store.redis.cluster.slot_map import slot_of

KEYS = StoreKeys()
ROOTS = {kind: KEYS.root(queue) for kind, queue in QUEUES.items()}
HURT = "on_second"
HURT_ROOT = ROOTS[HURT]
STALL_S = 1.0
FROZEN_S = 2 * LEASE_S + 1
LONG_TIMEOUT_MS = 60_000
"""A node timeout within which no replica takes over from a frozen node."""

in_thread = asyncio.to_thread


class Fault(NamedTuple):
    """One way to fail."""

    act: Callable[[Trial, StoreCluster], Awaitable[str]]
    loses: bool = False
    """Whether what no replica had confirmed may be lost: replication is asynchronous."""
    most_gap_s: float = MOST_GAP_S


async def nothing(trial: Trial, cluster: StoreCluster) -> str:
    """Let nothing fail."""
    await trial.until(60)
    return ""


async def _promoted(cluster: StoreCluster, old: StoreProcess, root: str = HURT_ROOT) -> float:
    """Return how long it takes until another node holds what one held, s."""
    begun = time.monotonic()
    await until_async(lambda: in_thread(cluster.holder, root), lambda found: found is not old, seconds=60)
    return time.monotonic() - begun


async def _confirmed_holder(trial: Trial, cluster: StoreCluster, kind: str = HURT) -> StoreProcess:
    """Return the primary to be hurt, once its replica has all that it acknowledged so far."""
    old = await in_thread(cluster.holder, ROOTS[kind])
    await trial.confirm(lambda: cluster.confirm(old, ROOTS[kind]), [kind])
    return old


async def _outlive(trial: Trial, cluster: StoreCluster, dead: StoreProcess, kind: str = HURT) -> str:
    """Go on without a primary that was killed, then start it again; return when it was replaced."""
    took = await _promoted(cluster, dead, ROOTS[kind])
    if not trial.replicated:  # else nothing of it is acknowledged before it has a replica again
        await trial.until(2, [kind])
    await in_thread(cluster.start_again, dead)
    await trial.until(2, [kind])
    return f"replaced after {took:.1f} s"


async def kill(trial: Trial, cluster: StoreCluster) -> str:
    """End each primary without a word, one after the other; its replica has all of its answers but the last."""
    told = []
    for kind in QUEUES:
        old = await _confirmed_holder(trial, cluster, kind)
        old.kill()
        told.append(await _outlive(trial, cluster, old, kind))
    return ", ".join(told)


async def stall(trial: Trial, cluster: StoreCluster) -> str:
    """Hold up a primary's replica, and end the primary: what it acknowledged meanwhile is nowhere else."""
    old = await _confirmed_holder(trial, cluster)
    replica = await in_thread(cluster.replica_of, old)
    replica.freeze()
    # Else what the primary sends would wait in the sockets, and the replica would still get it.
    await in_thread(cluster.ask, old, "CLIENT", "KILL", "TYPE", "replica")
    await asyncio.sleep(STALL_S)
    old.kill()
    replica.thaw()
    return f"replica held up for {STALL_S:g} s; {await _outlive(trial, cluster, old)}"


async def failover(trial: Trial, cluster: StoreCluster) -> str:
    """Have a replica take the place of a primary that is well."""
    old = await in_thread(cluster.holder, HURT_ROOT)
    replica = await in_thread(cluster.replica_of, old)
    await in_thread(cluster.ask, replica, "CLUSTER", "FAILOVER")
    took = await _promoted(cluster, old)
    await trial.until(5)
    await in_thread(cluster.wait_until_whole)
    return f"replaced after {took:.2f} s"


async def flush(trial: Trial, cluster: StoreCluster) -> str:
    """Have every node forget the library of functions."""
    holding = {await in_thread(cluster.holder, KEYS.root(queue)) for queue in ("aa", "bb", "dd")}
    for _ in range(3):
        for node in holding:
            await in_thread(cluster.ask, node, "FUNCTION", "FLUSH")
        await trial.until(10)
    return f"on {len(holding)} nodes, three times"


async def _move(
    cluster: StoreCluster, new: StoreProcess, how: Callable[[int, StoreProcess, StoreProcess], int], keys: int
) -> str:
    """Move the loaded slot to another node; return how many keys went in which time."""
    slot, old = slot_of(HURT_ROOT), await in_thread(cluster.holder, HURT_ROOT)
    await until_async(
        lambda: in_thread(cluster.ask, old, "CLUSTER", "COUNTKEYSINSLOT", slot),
        lambda found: int(str(found)) >= keys,
        seconds=120,
    )
    begun = time.monotonic()
    moved = await in_thread(how, slot, old, new)
    took = time.monotonic() - begun
    return f"{moved} keys in {took:.2f} s"


async def reshard(trial: Trial, cluster: StoreCluster, keys: int = 200) -> str:
    """Move a slot under load, key by key, to a node that has just joined."""
    new = await in_thread(partial(cluster.add_node, replica=trial.replicated))
    return await _move(cluster, new, cluster.move_slot, keys)


async def reshard_many(trial: Trial, cluster: StoreCluster) -> str:
    """Move a slot of 1,500 keys under load, key by key."""
    return await reshard(trial, cluster, 1_500)


async def migrate(trial: Trial, cluster: StoreCluster) -> str:
    """Have the nodes move a slot by themselves."""
    try:
        return await _move(cluster, await in_thread(cluster.holder, KEYS.root("dd")), cluster.migrate_slot, 200)
    except redis.ResponseError as error:
        return f"not tried: {error}"  # before Valkey 9


async def freeze(trial: Trial, cluster: StoreCluster) -> str:
    """Let a node stand still for longer than a lease, while jobs of its queue run and no replica takes over."""
    node = await in_thread(cluster.holder, KEYS.root("dd"))
    holding = TrialClient("hold_on_third", trial.folder / "held")
    holding.more = {"seconds": FROZEN_S + LEASE_S}
    trial.extra.append(holding)
    trial.start(holding)
    for one in cluster.nodes:
        await in_thread(cluster.ask, one, "CONFIG", "SET", "cluster-node-timeout", LONG_TIMEOUT_MS)
    await until_async(lambda: len(holding.acked) >= 8 and len(holding.runs()) >= 8, seconds=60)
    holding.over = True
    node.freeze()
    await asyncio.sleep(FROZEN_S)
    node.thaw()
    await trial.until(5)
    for one in cluster.nodes:
        await in_thread(cluster.ask, one, "CONFIG", "SET", "cluster-node-timeout", cluster.node_timeout_ms)
    return f"for {FROZEN_S:g} s, lease {LEASE_S:g} s, {len(holding.acked)} long jobs"


async def sagas(trial: Trial, cluster: StoreCluster) -> str:
    """Replace the nodes of two steps of sagas while these run."""
    selling = TrialClient("across", trial.folder / "across")
    trial.extra.append(selling)
    trial.start(selling)
    for root in ROOTS.values():
        async with asyncio.timeout(scaled(60)):
            wanted = len(selling.acked) + 8
            await until_async(lambda: len(selling.acked) >= wanted, seconds=60)  # noqa: B023 - awaited here
        old = await in_thread(cluster.holder, root)
        await in_thread(cluster.ask, await in_thread(cluster.replica_of, old), "CLUSTER", "FAILOVER")
        await _promoted(cluster, old, root)
        await in_thread(cluster.wait_until_whole)
    selling.over = True
    return f"{len(selling.acked)} sagas, each with steps on two other nodes"


FAULTS = {
    "none": Fault(nothing),
    "failover": Fault(failover),
    "flush": Fault(flush),
    "reshard": Fault(reshard_many),
    "migrate": Fault(migrate),
    "freeze": Fault(freeze, most_gap_s=FROZEN_S + MOST_GAP_S),
    "sagas": Fault(sagas),
    "kill": Fault(kill, loses=True),
    "stall": Fault(stall, loses=True),
}
