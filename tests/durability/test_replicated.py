"""What is acknowledged while the answer waits for replicas is on them, and what is not confirmed is said to be so."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import anyio
import pytest

from support.queued import one_job
from support.stores.replicas import ReplicatedStore, replicated_store
from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.states import State
from tidings.protocol.tokens import new_token
from tidings.settings.durability import Replication
from tidings.store.answers import ReportAnswer, SubmitAnswer
from tidings.store.attempts.attempt_store import AttemptOutcome, AttemptReport, AttemptStore
from tidings.store.availability.store_errors import StoreError, StoreUnconfirmedError
from tidings.store.jobs.job_store import JobStore, NewJob
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import Store, open_store

KEYS = StoreKeys()
SHORT_S = 0.2
"""How long a call waits for a replica that stands still."""


@pytest.fixture(scope="module")
def pair() -> Iterator[ReplicatedStore]:
    with replicated_store(2) as stores:
        yield stores


@asynccontextmanager
async def opened(stores: ReplicatedStore, replicas: int = 0, within_s: float = 0.0) -> AsyncIterator[Store]:
    """Open a client whose calls wait for so many replicas; 0: for none."""
    replication = Replication(replicas, within_s or scaled(5)) if replicas else None
    store = open_store(stores.primary.url, replication=replication)
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def gateway(stores: ReplicatedStore, replicas: int = 0, within_s: float = 0.0) -> AsyncIterator[JobStore]:
    async with opened(stores, replicas, within_s) as store, JobStore(store, KEYS, "g") as jobs:
        yield jobs


def job(key: str = "", envelope: str = "[]") -> NewJob:
    return NewJob(new_token("p").id, "k", "standard", envelope, key=key, fingerprint="f" if key else "")


async def test_an_acknowledged_job_is_on_the_replicas(pair: ReplicatedStore) -> None:
    async with gateway(pair, 2) as jobs:
        made = await jobs.submit("p", job())
    for replica in pair.replicas:
        with pair.client(replica) as client:
            assert client.exists(KEYS.job("p", made.id))


async def test_too_few_replicas_make_the_answer_unknown_and_the_job_stands(pair: ReplicatedStore) -> None:
    new = job(key="few")
    with pair.stopped(pair.replicas[0]):
        async with gateway(pair, 1) as one:
            assert (await one.submit("p", job())).answer is SubmitAnswer.NEW, "the other replica is enough"
        async with gateway(pair, 2, SHORT_S) as both:
            with pytest.raises(StoreUnconfirmedError, match=r"1 of 2 replicas have it after 0\.2 s"):
                await both.submit("p", new)
    async with gateway(pair, 2) as both:
        again = await both.submit("p", job(key="few"))
    assert (again.answer, again.id) == (SubmitAnswer.DUPLICATE, new.id)


async def test_a_duplicate_waits_for_replicas_although_it_finds_all_done(pair: ReplicatedStore) -> None:
    async with gateway(pair, 2) as jobs:
        await jobs.submit("p", job(key="twice"))
    async with gateway(pair, 2, SHORT_S) as jobs:
        with pair.stopped(pair.replicas[0]), pytest.raises(StoreUnconfirmedError):
            await jobs.submit("p", job(key="twice"))


async def test_calls_that_come_together_share_one_wait(pair: ReplicatedStore) -> None:
    async with gateway(pair, 2) as jobs:
        await jobs.submit("p", job())
        before = pair.calls("wait")
        answers = [jobs.submit(f"p{number}", job()) for number in range(20)]
        answers += [jobs.submit("p", job()) for _ in range(100)]
        assert len(await asyncio.gather(*answers)) == 120
        assert pair.calls("wait") - before == 1


async def test_a_call_that_no_replica_confirms_holds_up_no_read(pair: ReplicatedStore) -> None:
    async with gateway(pair, 2, scaled(4)) as jobs:
        made = await jobs.submit("p", job())
        with pair.stopped(pair.replicas[0]):
            held = jobs.submit("p", job())
            await asyncio.sleep(0)
            token = new_token("p")._replace(id=made.id)
            assert (await jobs.read(token)).state == "queued"
            assert not held.done()
        await held


async def test_without_the_setting_no_call_waits_and_nothing_more_is_written(pair: ReplicatedStore) -> None:
    with pair.client(pair.primary) as client:
        client.delete(KEYS.replicated("p"))
    before = pair.calls("wait"), pair.calls("set")
    async with gateway(pair) as jobs:
        await jobs.submit("p", job())
    assert (pair.calls("wait"), pair.calls("set")) == before


async def test_the_mark_of_a_partition_expires(pair: ReplicatedStore) -> None:
    async with gateway(pair, 1) as jobs:
        await jobs.submit("p", job())
    with pair.client(pair.primary) as client:
        assert 0 < client.ttl(KEYS.replicated("p")) <= 3_600


async def test_a_report_that_was_not_confirmed_is_sent_again_and_counts_once(pair: ReplicatedStore) -> None:
    pair.empty()
    async with opened(pair, 2, SHORT_S) as store, one_job(store) as one:
        started = await one.start()
        report = AttemptReport(one.id, started.fence, 1)
        report.outcome = AttemptOutcome(State.SUCCEEDED, field="result", value="1")
        with pair.stopped(pair.replicas[0]):
            with pytest.raises(StoreUnconfirmedError):
                await one.first.report(report)
            assert (await one.record()).state == "succeeded"
    async with opened(pair, 2) as store, AttemptStore(store, KEYS, "p", "w1") as worker:
        assert (await worker.report(report)) is ReportAnswer.DONE


async def test_cancels_and_signals_wait_too(pair: ReplicatedStore) -> None:
    async with opened(pair, 2, SHORT_S) as store, one_job(store) as one:
        with pair.stopped(pair.replicas[0]):
            for ask in (
                lambda: one.gateway.signal(one.token, "", "go", "", "1"),
                lambda: one.gateway.cancel(one.token),
            ):
                with pytest.raises(StoreUnconfirmedError):
                    await ask()


async def test_a_store_that_denies_wait_confirms_nothing_and_the_command_is_named(pair: ReplicatedStore) -> None:
    with pair.client(pair.primary) as admin:
        admin.execute_command("ACL", "SETUSER", "poor", "reset", "on", ">pw", "~*", "&*", "+@all", "-wait")
    url = pair.primary.url.replace("//", "//poor:pw@")
    store = open_store(url, replication=Replication(1, 1.0))
    async with JobStore(store, KEYS, "g") as jobs:
        with pytest.raises(StoreUnconfirmedError, match="does not say how many replicas"):
            await jobs.submit("p", job())
    assert list(store.health.denied) == ["WAIT"]
    await store.aclose()


async def test_what_waits_when_the_process_lets_go_of_the_store_fails(pair: ReplicatedStore) -> None:
    async with opened(pair, 2, scaled(4)) as store, JobStore(store, KEYS, "g") as jobs:
        await jobs.submit("p", job())
        with pair.stopped(pair.replicas[0]):
            held, gathered = jobs.submit("p", job()), jobs.submit("q", job())
            await asyncio.sleep(0)
            store.caller.close()
            for answer in (held, gathered):
                with pytest.raises(StoreError):
                    await answer


LARGE = "x" * 262_144
"""Some dozens of these are more than lie in the sockets between the stores, from which the replica would read them."""


class Load:
    """Submits jobs under keys until the store is gone; keeps what was acknowledged."""

    def __init__(self) -> None:
        self.acked: list[str] = []
        self.unknown = 0
        self.envelope = "[]"

    async def submit(self, jobs: JobStore) -> None:
        """Submit until the store is gone; what is not confirmed is not submitted again."""
        while True:
            try:
                made = await jobs.submit("p", job(envelope=self.envelope))
            except StoreUnconfirmedError:
                self.unknown += 1
            except StoreError:
                return
            else:
                self.acked.append(made.id)


@pytest.mark.parametrize("replicas", [0, 1])
async def test_the_death_of_a_primary_whose_replica_stood_still_loses_nothing_that_was_confirmed(replicas: int) -> None:
    """With `replicas` being 0 the same fault does lose jobs: what this test shows is not for want of a fault."""
    load = Load()
    with replicated_store(1) as stores:
        (replica,) = stores.replicas
        async with gateway(stores, replicas, SHORT_S if replicas else 0.0) as jobs, anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(load.submit, jobs)
            with anyio.fail_after(scaled(20)):
                await until_async(lambda: len(load.acked) >= 100, seconds=20)
                with stores.stopped(replica):
                    seen, load.envelope = len(load.acked), LARGE
                    await until_async(lambda: len(load.acked) >= seen + 160 or load.unknown >= 16, seconds=20)
                    stores.primary.kill()
        stores.promote(replica)
        with stores.client(replica) as client:
            lost = [one for one in load.acked if not client.exists(KEYS.job("p", one))]
    assert bool(lost) is not bool(replicas), f"{len(lost)} of {len(load.acked)} acknowledged jobs are lost"
    assert bool(load.unknown) is bool(replicas)
