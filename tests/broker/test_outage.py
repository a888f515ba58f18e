"""What is told of an outage, and when; the health that tells; the downtime."""

from typing import Any

import pytest
from redis.asyncio import Redis

from tidings.process.port import free_port
from tidings.store.availability.downtime import Downtime
from tidings.store.availability.outage import QUIET_S, EndedOutage, Outage
from tidings.store.availability.retry_delay import LONGEST_S, store_retry_delay
from tidings.store.availability.store_errors import ScriptError, StoreFullError, StoreUnavailableError
from tidings.store.availability.store_health import StoreHealth
from tidings.store.redis.store_client import command, open_store

LOST = StoreUnavailableError("gone")
FULL = StoreFullError("full")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Told(list[tuple[str, dict[str, Any]]]):
    """What a health has told."""

    def __call__(self, event: str, **fields: Any) -> None:
        self.append((event, fields))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def health(clock: Clock, told: Told) -> StoreHealth:
    return StoreHealth(max_downtime_s=5, tell=told, clock=clock)


def test_an_outage_is_told_when_it_begins_and_when_it_is_over() -> None:
    outage = Outage()
    assert outage.succeeded(0) is None
    assert outage.failed(1)
    assert not outage.failed(2)
    assert not outage.failed(3)
    assert outage.succeeded(4.5) == EndedOutage(seconds=3.5, failures=3)
    assert not outage.lasts
    assert outage.succeeded(5) is None


def test_a_store_that_comes_and_goes_is_not_told_each_time() -> None:
    outage = Outage(quiet_s=10)
    lines = 0
    for tenth in range(1000):  # 100 s
        lines += outage.failed(tenth / 10)
        lines += outage.succeeded(tenth / 10 + 0.05) is not None
    assert 2 <= lines <= 22


def test_an_outage_soon_after_another_is_told_if_it_lasts() -> None:
    outage = Outage()
    outage.failed(0)
    outage.succeeded(1)
    assert not outage.failed(2)
    assert not outage.failed(1 + QUIET_S - 0.1)
    assert outage.failed(1 + QUIET_S)
    assert outage.succeeded(20) == EndedOutage(seconds=18, failures=3)


def test_many_failed_calls_are_two_lines(health: StoreHealth, told: Told, clock: Clock) -> None:
    for number in range(1000):
        health.failed(("EVALSHA", str(number)), LOST)
        clock.now += 0.01
    health.answered(("PING",))
    health.answered(("PING",))
    assert told == [
        ("store_lost", {"error": "gone"}),
        ("store_back", {"seconds": pytest.approx(10), "failed_calls": 1000}),
    ]


def test_a_full_store_has_room_when_what_it_refused_succeeds(health: StoreHealth, told: Told) -> None:
    for _ in range(3):
        health.failed(("EVALSHA", "submit"), FULL)
        health.answered(("EVALSHA", "report"))
    assert told.events == ["store_full"]
    health.answered(("EVALSHA", "submit"))
    assert told.events == ["store_full", "store_has_room"]
    assert told[1][1]["refused_calls"] == 3


def test_a_store_that_refuses_is_not_lost(health: StoreHealth, told: Told) -> None:
    health.failed(("PING",), LOST)
    health.failed(("EVALSHA", "report"), ScriptError("ILLEGAL"))
    assert told.events == ["store_lost", "store_back"]


def test_only_a_long_silence_counts() -> None:
    downtime = Downtime(5)
    assert not downtime.lasts(1000)  # nothing was heard yet: nothing can have ceased
    downtime.heard(1000)
    downtime.heard(1005)
    assert downtime.ended == float("-inf")
    assert not downtime.lasts(1010)
    assert downtime.lasts(1010.1)
    downtime.heard(1011)
    assert downtime.ended == 1011
    assert not downtime.lasts(1012)


def test_a_contact_listens_for_silence(health: StoreHealth, clock: Clock) -> None:
    health.answered(("PING",))
    clock.now += 6
    health.failed(("PING",), LOST)
    assert health.downtime.lasts(clock.now)
    health.answered(("PING",))
    assert health.downtime.ended == clock.now


def test_pauses_are_bounded() -> None:
    assert all(0 <= store_retry_delay(failures) <= LONGEST_S for failures in range(1, 200))
    assert all(0 <= store_retry_delay(failures, 0.05) <= 0.05 for failures in range(1, 200))


async def test_every_call_of_a_client_comes_by_its_contact(store: Redis, health: StoreHealth, told: Told) -> None:
    gone = open_store(f"redis://127.0.0.1:{free_port()}/0", health=health)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            await command(gone, "PING")
    await gone.aclose()
    assert told.events == ["store_lost"]
    kwargs = store.connection_pool.connection_kwargs
    back = open_store(f"redis://127.0.0.1:{kwargs['port']}/0", health=health)
    await command(back, "PING")
    await back.aclose()
    assert told.events == ["store_lost", "store_back"]
