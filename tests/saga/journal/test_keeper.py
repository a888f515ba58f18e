"""What wakes a saga while it runs, or just as it leaves its worker, on a real store."""

import asyncio

import pytest
from redis.asyncio import Redis

from saga.world import World, running
from support.timeouts import scaled
from tidings.protocol.problems import Problem
from tidings.protocol.steps import StepType
from tidings_worker.saga import waits as module
from tidings_worker.saga.journal_client import JournalClient
from tidings_worker.saga.waits import BranchWaits

BOUND_S = 20.0


class Host:
    """An attempt that is told to stop, and remembers why."""

    def __init__(self, world: World) -> None:
        self.cancelled = False
        self.token = str(world.token)
        self.fence = world.fence
        self.reasons: list[str] = []

    def stop(self, reason: str) -> None:
        self.cancelled = True
        self.reasons.append(reason)

    def refuse(self, refused: Problem) -> None:
        raise AssertionError(refused)


async def begun(world: World) -> tuple[Host, JournalClient, BranchWaits]:
    await world.submit()
    await world.start()
    host = Host(world)
    journal_client = JournalClient(world.saga, host, "w")
    await world.write("1", type=StepType.SIGNAL, name="go")
    await journal_client.reload()
    return host, journal_client, BranchWaits(journal_client, host)


def wait_for(
    waits: BranchWaits, journal_client: JournalClient, path: str, name: str, due_ms: int = 0
) -> "asyncio.Task[None]":
    """Wait for a signal, as a branch does."""
    return asyncio.create_task(
        waits.wait_for_news(path, lambda: bool(journal_client.journal.signal(name, 1)), due_ms=due_ms, signal=name)
    )


async def test_what_came_before_anyone_waits_for_it_is_found_while_another_branch_works(store: Redis) -> None:
    async with running(store) as world:
        host, journal_client, waits = await begun(world)
        waits.activity.fork(2)
        await world.gateway.signal(world.token, "", "go", "", "1")
        waits.look()  # nobody waits yet
        await asyncio.wait_for(wait_for(waits, journal_client, "1", "go"), scaled(BOUND_S))
        assert host.reasons == []


async def test_a_short_wait_that_stays_in_its_worker_ends_when_the_signal_comes(
    store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IN_PLACE_S", 3600.0)
    async with running(store) as world:
        host, journal_client, waits = await begun(world)
        waiting = wait_for(waits, journal_client, "1", "go", journal_client.now_ms() + 1_800_000)
        await asyncio.sleep(0)
        await world.gateway.signal(world.token, "", "go", "", "1")
        waits.look()
        await asyncio.wait_for(waiting, scaled(BOUND_S))
        assert host.reasons == []


async def test_what_is_read_while_the_saga_leaves_is_not_taken_for_seen(store: Redis) -> None:
    async with running(store) as world:
        host, journal_client, waits = await begun(world)
        waits.activity.fork(2)
        one = wait_for(waits, journal_client, "1", "go")
        await asyncio.sleep(0)
        await world.gateway.signal(world.token, "", "go", "", "1")
        waits.look()
        await asyncio.sleep(0)  # it is being read
        other = wait_for(waits, journal_client, "2", "stop")
        await asyncio.sleep(0)
        assert host.reasons == ["waiting"]
        await asyncio.wait_for(one, scaled(BOUND_S))  # it has been read
        assert await world.end(waits.waiting_outcome()) == "ok"
        assert (await world.record()).state == "queued"
        other.cancel()
        await asyncio.wait([other])


async def test_a_saga_leaves_with_all_that_it_waits_for_though_its_branches_are_cancelled_one_by_one(
    store: Redis,
) -> None:
    async with running(store) as world:
        host, journal_client, waits = await begun(world)
        waits.activity.fork(2)
        branches = [wait_for(waits, journal_client, "1", "go"), wait_for(waits, journal_client, "2", "stop")]
        await asyncio.sleep(0)
        assert host.reasons == ["waiting"]
        branches[0].cancel()
        await asyncio.wait(branches[:1])
        waits.activity.join(last=False)
        waits.leave_if_idle()
        assert waits.waiting_outcome().awaits == " go stop "
        branches[1].cancel()
        await asyncio.wait(branches)
