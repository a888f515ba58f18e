"""Two databases of one store are two installations: nothing that is published in one is heard in the other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import msgspec
import pytest

from support.store import DATABASES, StoreProcess, one_store
from support.waiting import until_async
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.tokens import Token, new_token
from tidings.store.admin.paused_queues import PausedQueues
from tidings.store.attempts.attempt_store import AttemptStore
from tidings.store.breaker_store import BreakerStore
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.push_feed import open_push_feed
from tidings.store.redis.store_client import Store, command, open_store
from tidings.store.redis.subscription import Subscription
from tidings.store.registry import Registry, WorkerRecord

pytestmark = one_store(DATABASES)

KEYS = StoreKeys()
OBJECT = msgspec.Raw(b"{}")
KIND = KindRecord(kind="k", version=1, queue="p", tier="standard", input=OBJECT, result=OBJECT)
WORKER = WorkerRecord(worker="w", host="h", pid=1, version="1", kinds=["k"], queues=["p"], slots=1)
CHANNELS = {
    "inbox": KEYS.inbox("p", "g"),
    "orders": KEYS.orders("p", "w"),
    "due": KEYS.due("p"),
    "kinds": KEYS.kinds_changed,
    "workers": KEYS.workers_changed,
    "paused": KEYS.paused_changed,
    "breakers": KEYS.breakers_changed,
}


@asynccontextmanager
async def database(process: StoreProcess, number: int) -> AsyncIterator[tuple[Store, list[str]]]:
    """A client of an empty database, and the names of the channels of which something is heard there."""
    url = process.url.removesuffix("/0") + f"/{number}"
    heard: list[str] = []
    opened = anyio.Event()
    names = {channel: name for name, channel in CHANNELS.items()}
    async with AsyncExitStack() as stack:
        store, listening = open_store(url), open_store(url, timeout=None)
        stack.push_async_callback(store.aclose)
        stack.push_async_callback(listening.aclose)
        await store.flushdb()
        inbox = Subscription(
            listening, store, KEYS.probe("g"), lambda name, _: heard.append(names[name]), opened.set, probe_s=0.1
        )
        tasks = await stack.enter_async_context(anyio.create_task_group())
        tasks.start_soon(inbox.run)
        for channel in names:
            await inbox.add(channel)
        await opened.wait()
        yield store, heard
        tasks.cancel_scope.cancel()


async def publish_on_all(store: Store) -> None:
    """Do what is published on each of the channels."""
    async with (
        JobStore(store, KEYS, "g") as gateway,
        AttemptStore(store, KEYS, "p", "w") as worker,
        BreakerStore(store, KEYS) as breakers,
    ):
        await worker.join(["standard"])
        job = new_token("p").id
        await gateway.submit("p", NewJob(job, "k", "standard", "[]"))
        await worker.start(await worker.take(["standard"], 1, 1))  # to the inbox
        assert await gateway.cancel(Token("p", job)) == "asked"  # an order
        await gateway.submit("p", NewJob(new_token("p").id, "k", "standard", "[]", delay_ms=60_000))  # due
        await breakers.open("b")
    registry = Registry(store, KEYS)
    await registry.register([KIND])
    await registry.heartbeat(WORKER, 60)
    await PausedQueues(store, KEYS).pause("p", "somebody")


async def all_heard(heard: list[str]) -> None:
    """Return when something was heard on every channel: what is published before on the same connection was too."""
    await until_async(lambda: set(heard) == set(CHANNELS), seconds=20, pause_s=0)


@pytest.mark.parametrize(("loud", "quiet"), [(0, 5), (5, 0), (5, 6)])
async def test_what_is_published_in_one_database_is_not_heard_in_another(
    store_process: StoreProcess, loud: int, quiet: int
) -> None:
    async with (
        database(store_process, loud) as (store, heard),
        database(store_process, quiet) as (other, overheard),
    ):
        await publish_on_all(store)
        await all_heard(heard)
        assert overheard == []
        await publish_on_all(other)  # and what is published there is heard there
        await all_heard(overheard)


async def test_a_process_does_not_take_another_database_s_probe_for_its_own(store_process: StoreProcess) -> None:
    async with database(store_process, 5) as (store, _):
        for number in (0, 6):
            other = open_store(store_process.url.removesuffix("/0") + f"/{number}")
            async with open_push_feed(store) as feed:
                await feed.subscribe(KEYS.probe("g"))
                await feed.read()
                await other.tell(KEYS.probe("g"), b"")
                await store.tell(KEYS.probe("g"), b"ours")
                assert (await feed.read())[1:] == [KEYS.probe("g").encode(), b"ours"]
            await other.aclose()


async def test_scripts_by_their_text_know_the_database_too(store_process: StoreProcess) -> None:
    async with database(store_process, 5) as (store, heard), database(store_process, 0) as (_, overheard):
        store.caller.functions = False
        await publish_on_all(store)
        await all_heard(heard)
        assert overheard == []
        assert await command(store, "DBSIZE") > 0
