"""How a worker takes over what lost ones held: at full pace on duty, seldom and with care otherwise."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest

from support.timeouts import scaled
from tidings.store.placement.upkeep_choice import OFF_DUTY_FACTOR
from tidings_worker.queue.leases import Leases
from tidings_worker.queue.promoter import Promoter
from tidings_worker.queue.upkeep_duty import UpkeepDuty
from tidings_worker.settings import WorkerSettings

HEARTBEAT_S = 2.0
TIER = "standard"


class Duty(UpkeepDuty):
    """Notes how long the worker would rest, and lets it go on when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.rests: asyncio.Queue[float] = asyncio.Queue()
        self.goes_on = asyncio.Event()

    async def rest(self, seconds: float, wake: asyncio.Event) -> None:
        self.rests.put_nowait(self.pause(seconds))
        waits = [asyncio.ensure_future(one.wait()) for one in (wake, self.goes_on)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        self.goes_on.clear()


class World:
    """One worker with a store that has lost jobs or has not."""

    def __init__(self) -> None:
        self.lost = False
        self.room_now = 1
        self.asked: list[Any] = []
        self.duty = Duty()
        self.streams = [TIER, f"{TIER}/thread", f"{TIER}/process"]
        self.store = self
        self.wait_ms = 700
        self.leases = Leases(
            cast("Any", self),
            WorkerSettings(heartbeat_s=HEARTBEAT_S, lease_s=10),
            cast("Any", SimpleNamespace(slots=SimpleNamespace(room=lambda _: self.room_now), room=self.room)),
            cast("Any", None),
            _set(),
            cast("Any", SimpleNamespace(holds=lambda: False)),
        )

    async def ask(self, operation: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        return await operation(*args, **options)

    async def room(self, tier: str) -> int:
        if not self.room_now:
            await anyio.sleep_forever()
        return self.room_now

    async def find_lost(self, tier: str, idle_ms: int, unread: list[str], *, announce: bool) -> bool:
        self.asked.append(("find", announce))
        return self.lost

    async def take_over(self, tier: str, idle_ms: int, most: int, unread: list[str]) -> list[Any]:
        self.asked.append(("take", most))
        return []

    async def promote(self) -> tuple[int, int]:
        return 0, self.wait_ms

    async def rested(self) -> tuple[list[Any], float]:
        """Return what it asked until it rests, and how long that is to last, s."""
        with anyio.fail_after(scaled(10)):
            seconds = await self.duty.rests.get()
        asked, self.asked = self.asked, []
        return asked, seconds


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the worker has let others show that they live."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(f"{Leases.__module__}.anyio.sleep", sleep)
    return found


async def test_on_duty_it_takes_over_with_each_heartbeat(slept: list[float]) -> None:
    world = World()
    running = asyncio.ensure_future(world.leases.take_over(TIER, cast("Any", None)))
    for _ in range(3):
        assert await world.rested() == ([("take", 1)], HEARTBEAT_S)
        world.duty.goes_on.set()
    running.cancel()
    assert slept == []


async def test_on_duty_without_room_it_has_all_hear_of_what_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.room_now, world.lost = 0, True
    monkeypatch.setattr(world.duty, "pause", lambda _: 0.0)  # waiting for room is over at once
    running = asyncio.ensure_future(world.leases.take_over(TIER, cast("Any", None)))
    assert (await world.rested())[0] == [("find", True)]
    running.cancel()


async def test_off_duty_it_looks_seldom_and_leaves_the_living_a_heartbeat(slept: list[float]) -> None:
    world = World()
    running = asyncio.ensure_future(world.leases.take_over(TIER, cast("Any", None)))
    await world.rested()
    world.duty.decide(on=False)
    world.duty.goes_on.set()
    await world.rested()  # the last look of its duty
    world.duty.goes_on.set()
    assert await world.rested() == ([("find", False)], HEARTBEAT_S * OFF_DUTY_FACTOR)
    world.lost = True
    world.duty.goes_on.set()
    assert (await world.rested())[0] == [("find", False), ("take", 1)]
    assert slept == [HEARTBEAT_S]
    running.cancel()


async def test_off_duty_it_takes_over_at_once_what_those_on_duty_have_no_room_for(slept: list[float]) -> None:
    world = World()
    running = asyncio.ensure_future(world.leases.take_over(TIER, cast("Any", None)))
    await world.rested()
    world.leases.announce_lost(TIER)
    assert world.asked == []  # on duty it looks anyway
    world.duty.decide(on=False)
    world.duty.goes_on.set()
    await world.rested()
    world.leases.announce_lost("other")
    world.leases.announce_lost(TIER)
    assert (await world.rested())[0] == [("take", 1)]
    assert slept == []
    running.cancel()


async def test_a_duty_that_begins_ends_the_rest() -> None:
    world = World()
    world.duty.decide(on=False)
    promoter = Promoter(cast("Any", world))
    running = asyncio.ensure_future(promoter.run())
    assert (await world.rested())[1] == 5 * OFF_DUTY_FACTOR
    promoter.wake()  # an announcement is for those on duty
    await asyncio.sleep(0)
    assert world.duty.rests.empty()
    world.duty.decide(on=True)
    assert (await world.rested())[1] == world.wait_ms / 1000
    promoter.wake()
    assert (await world.rested())[1] == world.wait_ms / 1000
    running.cancel()


async def test_the_real_rest_ends_when_it_is_woken() -> None:
    duty, wake = UpkeepDuty(), asyncio.Event()
    duty.watch(wake)
    duty.decide(on=False)
    resting = asyncio.ensure_future(duty.rest(3600, wake))
    await asyncio.sleep(0)
    duty.decide(on=True)
    with anyio.fail_after(scaled(10)):
        await resting
