"""The truce: after a time in which no lease could be renewed, every worker gets one lease to say that it lives."""

import pytest

from tidings.broker.contact import Contact, tell_nobody
from tidings_worker.settings import WorkerSettings
from tidings_worker.truce import Truce, silence_of

SETTINGS = WorkerSettings(lease_s=10, heartbeat_s=2)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def truce(clock: Clock) -> Truce:
    return Truce(Contact(silence_s=silence_of(SETTINGS), tell=tell_nobody, clock=clock), SETTINGS)


@pytest.mark.parametrize("operation", ["beat", "take_over"])
def test_refused_heartbeats_are_as_good_as_silence(truce: Truce, clock: Clock, operation: str) -> None:
    assert not truce.holds()
    truce.refused(operation)
    assert not truce.holds()  # it has not lasted
    clock.now += 3.1  # with the heartbeat before it: longer than half a lease
    assert truce.holds()
    truce.refused(operation)
    truce.taken(operation)
    clock.now += 9.9
    assert truce.holds()
    clock.now += 0.2
    assert not truce.holds()


def test_a_short_refusal_moves_nothing(truce: Truce, clock: Clock) -> None:
    truce.refused("beat")
    clock.now += 2.9
    truce.taken("beat")
    assert not truce.holds()


def test_what_says_nothing_of_leases_does_not_count(truce: Truce, clock: Clock) -> None:
    truce.refused("promote")
    clock.now += 100
    assert not truce.holds()
    truce.taken("promote")
    assert not truce.holds()
