"""Real workers and a real service that fails: it is left alone, tried by one, and no job is lost or failed for it."""

import signal
from itertools import pairwise

import anyio
import anyio.to_thread
import httpx

from breaker.conftest import add_worker
from breaker.service import Service
from breaker.watch import outcomes, snapshot, until
from support.handlers.breaker_kinds import PAYMENTS
from support.peer import Peer, peer
from support.system import System
from support.timeouts import scaled
from support.waiting import until_async
from tidings.protocol.states import State
from tidings.store.breaker_store import BreakerStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import command, open_store


async def submit(client: Peer, kind: str, service: Service, count: int, *, watch: bool = False) -> list[str]:
    """Submit some jobs; return their tokens."""
    return [(await client.submit(kind, {"url": service.url}, watch=watch))["token"] for _ in range(count)]


async def submit_one(client: Peer, kind: str, service: Service) -> str:
    """Submit one job whose events are wanted; return its token."""
    return (await submit(client, kind, service, 1, watch=True))[0]


async def fail(client: Peer, kind: str, service: Service, count: int) -> None:
    """Have some jobs fail, one after the other."""
    service.failing = True
    for _ in range(count):
        token = await submit_one(client, kind, service)
        assert (await client.until(token))[-1]["event"] == "failed"


async def called(service: Service, count: int) -> None:
    """Return when the service was called so often."""
    await anyio.to_thread.run_sync(service.wait_for, count)


async def test_one_workers_discovery_spares_the_other_and_no_attempt_is_used(
    system: System, operator: BreakerStore, service: Service
) -> None:
    add_worker(system, TIDINGS_SLOTS="2")
    async with peer(system.server.socket_url) as client:
        await fail(client, "pay", service, PAYMENTS.min_calls)
        assert (await until(operator, "payments", "open", "half_open")).machine.opened == 1
        tokens = await submit(client, "pay", service, 60)
        await called(service, PAYMENTS.min_calls + 3)
        service.failing = False
    ends = await outcomes(system.server.url, tokens)
    bad = [one for one in service.calls if not one.ok]
    # Each call that failed is a job that failed: there were no others, and no job was given up without a call.
    assert sum(end["status"] == "failed" for end in ends) == len(bad) - PAYMENTS.min_calls
    assert {end["result"] for end in ends if end["status"] == "succeeded"} == {1}
    # Once it was open, one tried at a time, and not before its time.
    tries = [one.at for one in bad[PAYMENTS.min_calls - 1 :]]
    assert min(later - before for before, later in pairwise(tries)) >= PAYMENTS.open_for - 0.01
    assert len({one.worker for one in service.calls}) == 2


async def test_those_that_wait_are_let_in_as_it_closes(
    system: System, operator: BreakerStore, service: Service
) -> None:
    await operator.open("payments")
    async with peer(system.server.socket_url) as client:
        # Whoever comes is told, waits, and looks again only in a minute.
        tokens = await submit(client, "pay", service, 29)
        tokens.append(await submit_one(client, "pay", service))
        events = await client.until(tokens[-1], "retrying")
        assert events[-1]["status"] == "scheduled"
        assert events[-1]["data"]["problem"]["code"] == "circuit_open"
        assert events[-1]["data"]["after"] > 59
        await operator.close("payments")
    assert {end["status"] for end in await outcomes(system.server.url, tokens)} == {"succeeded"}
    assert len(service.calls) == 30


async def test_a_worker_that_is_killed_while_it_tries_gives_way_to_another(
    system: System, operator: BreakerStore, service: Service
) -> None:
    async with peer(system.server.socket_url) as client:
        await fail(client, "pay", service, PAYMENTS.min_calls)
        service.failing = False
        service.answering.clear()
        token = await submit_one(client, "pay", service)
        await called(service, PAYMENTS.min_calls + 1)
        shown = await until(operator, "payments", "half_open")
        assert shown.machine.trial.startswith("w1:")
        add_worker(system)
        await until_living(operator, 2)
        system.workers[0].signal(signal.SIGKILL)
        # The job is taken over when its lease ends, and its trial when that one's does.
        await called(service, PAYMENTS.min_calls + 2)
        assert service.calls[-1].worker == "w2"
        service.answering.set()
        assert (await client.until(token))[-1]["data"]["result"] == 2
    await until(operator, "payments", "closed")


async def until_living(operator: BreakerStore, count: int) -> None:
    """Return when so many workers say that they live."""
    await until_async(lambda: command(operator._store, "ZCARD", StoreKeys().workers), lambda found: found >= count)


async def test_a_trial_that_takes_longer_than_its_lease_keeps_it(
    system: System, operator: BreakerStore, service: Service
) -> None:
    add_worker(system)
    async with peer(system.server.socket_url) as client:
        await fail(client, "pay", service, PAYMENTS.min_calls)
        service.failing = False
        service.answering.clear()
        tokens = await submit(client, "pay", service, 10)
        await called(service, PAYMENTS.min_calls + 1)
        trial = (await until(operator, "payments", "half_open")).machine
        shown = await until_async(
            lambda: until(operator, "payments", "half_open"), lambda shown: shown.now_ms >= trial.since + 2000
        )  # two leases, each a second
        assert shown.machine.trial == trial.trial
        assert len(service.calls) == PAYMENTS.min_calls + 1
        service.answering.set()
    assert {end["status"] for end in await outcomes(system.server.url, tokens)} == {"succeeded"}


async def test_a_breaker_outlives_its_store_and_a_store_without_its_data_begins_closed(
    system: System, operator: BreakerStore, service: Service
) -> None:
    async with peer(system.server.socket_url) as client:
        await operator.open("payments")
        token = await submit_one(client, "pay", service)
        await client.until(token, "retrying")
        system.store.kill()
        system.store.start()
        assert (await until(operator, "payments", "open")).machine.reason == "operator"
        second = await submit_again(client, service)
        async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(30)) as http:
            await snapshot(http, second, State.SCHEDULED)
        assert not service.calls
        store = open_store(system.store.url)
        await command(store, "DEL", StoreKeys().breaker("payments"))
        await store.aclose()
        # Nobody announces that: the worker finds out when it asks, and lets in whoever waits.
        assert {end["status"] for end in await outcomes(system.server.url, [token, second])} == {"succeeded"}


async def submit_again(client: Peer, service: Service) -> str:
    """Submit one job, as often as it takes a store that has just come back."""
    with anyio.fail_after(scaled(30)):
        while True:
            ack = await client.submit("pay", {"url": service.url}, watch=False)
            if ack["type"] == "ack":
                return str(ack["token"])


async def test_a_service_that_comes_and_goes_costs_a_few_jobs_and_no_more(
    system: System, operator: BreakerStore, service: Service
) -> None:
    add_worker(system)
    async with peer(system.server.socket_url) as client:
        tokens = []
        for opened in (1, 2, 3):
            service.failing = True
            with anyio.fail_after(scaled(30)):
                while (await opened_times(operator)) < opened:
                    tokens += await submit(client, "pay", service, 4)
            tokens += await submit(client, "pay", service, 20)
            service.failing = False
            await until(operator, "payments", "closed")
    ends = await outcomes(system.server.url, tokens)
    assert sum(end["status"] == "failed" for end in ends) == sum(not one.ok for one in service.calls)


async def opened_times(operator: BreakerStore) -> int:
    """Return how often the breaker has opened."""
    return max((one.machine.opened for one in await operator.shown()), default=0)


async def test_an_attempt_that_takes_too_long_is_a_failure(
    system: System, operator: BreakerStore, service: Service
) -> None:
    service.answering.clear()
    async with peer(system.server.socket_url) as client:
        tokens = await submit(client, "hang", service, 2)
    assert {end["problem"]["code"] for end in await outcomes(system.server.url, tokens)} == {"timeout"}
    shown = await until(operator, "hanging", "open")
    assert shown.machine.reason == "failures"
    assert [note.text for note in shown.machine.notes] == ["the attempt took longer than it may"] * 2
