"""Two workers' breakers on one store, each with its own ears."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from support.store import StoreProcess
from support.waiting import until_async
from tidings import Breaker, CircuitOpenError, job
from tidings.store.breaker_store import BreakerChange, BreakerStore
from tidings.store.keys import StoreKeys
from tidings.store.redis.channels import subscription_to
from tidings.store.redis.store_client import command, open_store
from tidings_worker.circuit import worker_breakers
from tidings_worker.circuit.guarded_calls import GuardedCalls
from tidings_worker.circuit.worker_breakers import WorkerBreakers

X = Breaker("x", min_calls=3, open_for=60)
QUICK = Breaker("x", min_calls=1, open_for=0.01)


@job(breaker=X)
async def kind() -> None:
    """Be a kind with a breaker."""


@asynccontextmanager
async def worker(
    url: str, name: str, changes: list[BreakerChange] | None = None, *, hears: bool = True
) -> AsyncIterator[WorkerBreakers]:
    """Run the breakers of one worker; one that does not hear has to ask."""
    store, listening = open_store(url), open_store(url, timeout=None)
    tell = (lambda _: None) if changes is None else changes.append
    async with BreakerStore(store, StoreKeys(), tell) as steps:
        breakers = WorkerBreakers(steps, [kind], name, 1)
        opened = asyncio.Event()

        def on_open() -> None:
            breakers.reopened()
            opened.set()

        subscription = subscription_to(
            listening,
            store,
            StoreKeys().probe(name),
            lambda _, data: breakers.take_announcement(data),
            on_open,
            probe_s=0.2,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(breakers.run, 0.2)
            if hears:
                tasks.start_soon(subscription.run)
                await subscription.add(StoreKeys().breakers_changed)
                await opened.wait()
            yield breakers
            tasks.cancel_scope.cancel()
    for client in (store, listening):
        await client.aclose()


async def call(breakers: WorkerBreakers, result: str = "ok", breaker: Breaker = X) -> None:
    """Let one call through, which ends so."""
    guarded_calls = GuardedCalls(breakers, "k")
    guarded_calls.leave(await guarded_calls.enter(breaker), result, "it is down")


async def eventually(true: Callable[[], Any]) -> None:
    """Return when something is true."""
    await until_async(true, seconds=15, pause_s=0)


def is_open(breakers: WorkerBreakers) -> bool:
    known = breakers._views["x"]
    return known is not None and not known.closed


@pytest.fixture
async def url(store_process: StoreProcess) -> str:
    client = open_store(store_process.url)
    await client.flushall()
    await client.aclose()
    return store_process.url


async def test_what_one_finds_out_spares_the_other_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_breakers, "REFRESH_S", 3_600.0)  # it hears of it, and does not ask
    changes: list[BreakerChange] = []
    async with worker(url, "a", changes) as first, worker(url, "b") as second:
        await call(second, "void")  # the answer to a report would tell it
        for _ in range(4):
            await call(first, "failures")
        await until_async(lambda: is_open(second), pause_s=0)
        with pytest.raises(CircuitOpenError) as refused:
            await call(second)
        assert 50 < refused.value.retry_after <= 60
        assert [(one.before, one.state, one.reason) for one in changes] == [("closed", "open", "failures")]


async def test_one_that_hears_nothing_asks(url: str) -> None:
    async with worker(url, "a") as first, worker(url, "deaf", hears=False) as deaf:
        await call(deaf, "void")
        for _ in range(4):
            await call(first, "failures")
        await eventually(lambda: is_open(deaf))


async def test_of_all_that_ask_at_once_one_may_try(url: str) -> None:
    async with worker(url, "a") as first, worker(url, "b") as second:
        await call(second)
        await call(first, "failures", QUICK)
        await eventually(lambda: is_open(first) and is_open(second))
        await eventually(lambda: first._views.wait("x") == second._views.wait("x") == 0)
        tries = [one.enter(QUICK) for one in (first, second) for _ in range(10)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(one, CircuitOpenError) for one in answers) == 19


async def test_a_trial_is_renewed_while_it_lasts_and_void_if_the_attempt_ends_without_it(url: str) -> None:
    async with worker(url, "a") as first:
        await call(first, "failures", QUICK)
        await eventually(lambda: is_open(first) and first._views.wait("x") == 0)
        guarded_calls = GuardedCalls(first, "k")
        await guarded_calls.enter(QUICK)
        store = open_store(url)
        (before,) = await BreakerStore(store, StoreKeys()).shown()
        read = BreakerStore(store, StoreKeys()).shown
        (shown,) = await until_async(read, lambda found: found[0].now_ms >= before.now_ms + 1_500, seconds=15)
        assert shown.machine.trial == before.machine.trial
        assert shown.machine.wait_ms(shown.now_ms) > 0
        guarded_calls.end(timed_out=False)
        await until_async(read, lambda found: not found[0].machine.trial, seconds=15)
        assert not first._trials
        await store.aclose()


async def test_a_slow_trial_opens_it_again(url: str) -> None:
    slow = Breaker("x", min_calls=1, open_for=0.01, slow_call=0.001)
    async with worker(url, "a") as first:
        await call(first, "failures", slow)
        await eventually(lambda: is_open(first) and first._views.wait("x") == 0)
        guarded_calls = GuardedCalls(first, "k")
        ticket = await guarded_calls.enter(slow)
        await eventually(lambda: guarded_calls._inside[ticket].began < asyncio.get_running_loop().time() - 0.002)
        guarded_calls.leave(ticket, "ok", "")
        store = open_store(url)
        read = BreakerStore(store, StoreKeys()).shown
        (shown,) = await until_async(read, lambda found: found[0].machine.opened >= 2, seconds=15)
        assert shown.machine.reason == "slow"
        await store.aclose()


async def test_without_a_store_calls_go_through_uncounted(store_process: StoreProcess) -> None:
    async with worker("redis://127.0.0.1:1/0", "a", hears=False) as first:
        await call(first, "failures")
        assert not is_open(first)


async def test_one_that_nothing_uses_any_more_is_not_asked_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidings_worker.circuit.worker_breakers.UNUSED_FOR_S", -1.0)
    async with worker(url, "a") as first:
        await call(first, "ok", Breaker("y"))
        await call(first)
        first.reopened()
        await eventually(lambda: "y" not in first._used)
        assert "x" in first._used  # that of a kind is kept
        await call(first, "ok", Breaker("y"))


async def test_a_refused_ask_after_a_store_came_back_without_its_data_is_no_dead_end(url: str) -> None:
    async with worker(url, "a") as first:
        store = open_store(url)
        await BreakerStore(store, StoreKeys()).open("x")
        await eventually(lambda: is_open(first))
        await command(store, "FLUSHALL")
        await store.aclose()
        first.reopened()
        await eventually(lambda: not is_open(first))
        await call(first)
