"""What is told of an outage, and when; the contact that tells; the silence."""

from typing import Any

import pytest
from redis.asyncio import Redis

from support.store import free_port
from tidings.broker.connection import command, open_store
from tidings.broker.contact import Contact
from tidings.broker.error import ScriptError, StoreFullError, StoreUnavailableError
from tidings.broker.outage import QUIET_S, Outage, Over
from tidings.broker.pause import LONGEST_S, store_pause
from tidings.broker.silence import Silence

LOST = StoreUnavailableError("gone")
FULL = StoreFullError("full")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Told(list[tuple[str, dict[str, Any]]]):
    """What a contact has told."""

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
def contact(clock: Clock, told: Told) -> Contact:
    return Contact(silence_s=5, tell=told, clock=clock)


def test_an_outage_is_told_when_it_begins_and_when_it_is_over() -> None:
    outage = Outage()
    assert outage.succeeded(0) is None
    assert outage.failed(1)
    assert not outage.failed(2)
    assert not outage.failed(3)
    assert outage.succeeded(4.5) == Over(seconds=3.5, failures=3)
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
    assert outage.succeeded(20) == Over(seconds=18, failures=3)


def test_many_failed_calls_are_two_lines(contact: Contact, told: Told, clock: Clock) -> None:
    for number in range(1000):
        contact.failed(("EVALSHA", str(number)), LOST)
        clock.now += 0.01
    contact.answered(("PING",))
    contact.answered(("PING",))
    assert told == [
        ("store_lost", {"error": "gone"}),
        ("store_back", {"seconds": pytest.approx(10), "failed_calls": 1000}),
    ]


def test_a_full_store_has_room_when_what_it_refused_succeeds(contact: Contact, told: Told) -> None:
    for _ in range(3):
        contact.failed(("EVALSHA", "submit"), FULL)
        contact.answered(("EVALSHA", "report"))
    assert told.events == ["store_full"]
    contact.answered(("EVALSHA", "submit"))
    assert told.events == ["store_full", "store_has_room"]
    assert told[1][1]["refused_calls"] == 3


def test_a_store_that_refuses_is_not_lost(contact: Contact, told: Told) -> None:
    contact.failed(("PING",), LOST)
    contact.failed(("EVALSHA", "report"), ScriptError("ILLEGAL"))
    assert told.events == ["store_lost", "store_back"]


def test_only_a_long_silence_counts() -> None:
    silence = Silence(5)
    assert not silence.lasts(1000)  # nothing was heard yet: nothing can have ceased
    silence.heard(1000)
    silence.heard(1005)
    assert silence.ended == float("-inf")
    assert not silence.lasts(1010)
    assert silence.lasts(1010.1)
    silence.heard(1011)
    assert silence.ended == 1011
    assert not silence.lasts(1012)


def test_a_contact_listens_for_silence(contact: Contact, clock: Clock) -> None:
    contact.answered(("PING",))
    clock.now += 6
    contact.failed(("PING",), LOST)
    assert contact.silence.lasts(clock.now)
    contact.answered(("PING",))
    assert contact.silence.ended == clock.now


def test_pauses_are_bounded() -> None:
    assert all(0 <= store_pause(failures) <= LONGEST_S for failures in range(1, 200))
    assert all(0 <= store_pause(failures, 0.05) <= 0.05 for failures in range(1, 200))


async def test_every_call_of_a_client_comes_by_its_contact(store: Redis, contact: Contact, told: Told) -> None:
    gone = open_store(f"redis://127.0.0.1:{free_port()}/0", contact=contact)
    for _ in range(3):
        with pytest.raises(StoreUnavailableError):
            await command(gone, "PING")
    await gone.aclose()
    assert told.events == ["store_lost"]
    kwargs = store.connection_pool.connection_kwargs
    back = open_store(f"redis://127.0.0.1:{kwargs['port']}/0", contact=contact)
    await command(back, "PING")
    await back.aclose()
    assert told.events == ["store_lost", "store_back"]
