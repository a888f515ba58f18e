"""Keys that are claimed on one node for a job on another, while calls wait for the replicas of both."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import anyio
import pytest

from partitions.lagging_servers import KEYS, Registered, Server
from support.store import StoreProcess
from support.stores.cluster import StoreCluster, running_cluster
from support.timeouts import scaled
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import split_token
from tidings.settings.durability import Replication
from tidings.store.availability.store_errors import StoreUnavailableError, StoreUnconfirmedError
from tidings.store.placement.partition_names import partition_names
from tidings.store.redis.store_client import open_store
from tidings_server.jobs.answer_tasks import AnswerTasks


@pytest.fixture(scope="module")
def cluster() -> Iterator[StoreCluster]:
    with running_cluster(2) as one:
        yield one


class Spread(NamedTuple):
    """A queue that was spread over both nodes, of which one server knows."""

    informed: Server
    lagging: Server
    before: str
    """The partition that holds a key's claim, where the lagging server submits it."""
    after: str
    """The partition that gets its job from the informed server."""
    key: str


@asynccontextmanager
async def spread(cluster: StoreCluster, queue: str, within_s: float) -> AsyncIterator[Spread]:
    """Give two servers a queue, spread it over both nodes, and tell one of them."""
    store, registered, tasks = (
        open_store(cluster.url, replication=Replication(1, within_s)),
        Registered(queue),
        AnswerTasks(),
    )
    before, after = partition_names(queue, 2)
    assert cluster.holder(KEYS.root(before)) is not cluster.holder(KEYS.root(after))
    async with anyio.create_task_group() as group:
        tasks.group = group
        informed, lagging = (Server(store, registered, tasks, name) for name in ("informed", "lagging"))
        async with informed.jobs, lagging.jobs:
            registered.spread(2, [])
            informed.learn()
            moved = (key for key in map(str, range(100)) if informed.choice.place_key(
                queue, "a", KEYS.dedup_suffix("", "a", key)
            ).partition == after)  # fmt: skip
            yield Spread(informed, lagging, before, after, next(moved))
    await store.aclose()


@contextmanager
def stopped(replica: StoreProcess) -> Iterator[None]:
    """Have a replica stand still around the body."""
    replica.freeze()
    try:
        yield
    finally:
        replica.thaw()


def jobs_of(cluster: StoreCluster, partition: str) -> list[str]:
    """Return the names of the records of jobs in a partition."""
    root = KEYS.root(partition)
    return cluster.names(cluster.ask(cluster.holder(root), "KEYS", f"{root}job:*"))


async def submitted(server: Server, key: str) -> str:
    """Submit under a key as clients do, until it is confirmed; return the token."""
    with anyio.fail_after(scaled(60)):
        while True:
            try:
                return await server.submit("a", key)
            except (ProblemError, StoreUnavailableError):
                await anyio.sleep(0.02)


async def test_a_job_is_not_made_before_replicas_have_the_claim_of_its_key(cluster: StoreCluster) -> None:
    async with spread(cluster, "claimed", 0.3) as at:
        replica = cluster.replica_of(cluster.holder(KEYS.root(at.before)))
        with stopped(replica), pytest.raises(ProblemError, match="no job was made"):
            await at.informed.submit("a", at.key)
        assert jobs_of(cluster, at.after) == []
        token = await submitted(at.informed, at.key)
        assert split_token(token).partition == at.after
        assert await submitted(at.lagging, at.key) == token
        assert (len(jobs_of(cluster, at.before)), len(jobs_of(cluster, at.after))) == (0, 1)


async def test_a_job_that_no_replica_has_is_not_acknowledged_though_those_of_its_claim_have_it(
    cluster: StoreCluster,
) -> None:
    async with spread(cluster, "moved", 0.3) as at:
        replica = cluster.replica_of(cluster.holder(KEYS.root(at.after)))
        with stopped(replica):
            with pytest.raises(StoreUnconfirmedError):
                await at.informed.submit("a", at.key)
            with pytest.raises(StoreUnconfirmedError):  # a duplicate is confirmed by a mark of its own
                await at.informed.submit("a", at.key)
        (made,) = jobs_of(cluster, at.after)
        token = await submitted(at.informed, at.key)
        assert made == KEYS.job(at.after, split_token(token).id)
        assert await submitted(at.lagging, at.key) == token
        assert (jobs_of(cluster, at.before), jobs_of(cluster, at.after)) == ([], [made])


async def test_a_claim_that_dies_with_its_node_leaves_one_job_for_its_key(cluster: StoreCluster) -> None:
    async with spread(cluster, "dying", 0.5) as at:
        dead = cluster.holder(KEYS.root(at.before))
        replica = cluster.replica_of(dead)
        with stopped(replica):
            # Else the claim would wait in the sockets, and the replica would still get it.
            cluster.ask(dead, "CLIENT", "KILL", "TYPE", "replica")
            with pytest.raises(ProblemError, match="no job was made"):
                await at.informed.submit("a", at.key)
            dead.kill()
        cluster.ask(replica, "CLUSTER", "FAILOVER", "TAKEOVER")  # two primaries hold no election
        await anyio.to_thread.run_sync(cluster.start_again, dead)
        token = await submitted(at.lagging, at.key)
        assert split_token(token).partition == at.before, "its node knows of no claim any more"
        assert await submitted(at.informed, at.key) == token
        assert (len(jobs_of(cluster, at.before)), len(jobs_of(cluster, at.after))) == (1, 0)


async def test_confirmed_claims_outlive_the_death_of_their_node(cluster: StoreCluster) -> None:
    async with spread(cluster, "kept", scaled(2)) as at:
        dead = cluster.holder(KEYS.root(at.before))
        replica = cluster.replica_of(dead)
        keys = [str(number) for number in range(40)]
        tokens = {key: await submitted(at.informed, key) for key in keys}
        dead.kill()
        cluster.ask(replica, "CLUSTER", "FAILOVER", "TAKEOVER")
        await anyio.to_thread.run_sync(cluster.start_again, dead)
        assert {key: await submitted(at.lagging, key) for key in keys} == tokens
        assert len(jobs_of(cluster, at.before)) + len(jobs_of(cluster, at.after)) == len(keys)
        assert len({split_token(token).partition for token in tokens.values()}) == 2
