"""After a time in which no worker could renew a lease, every worker gets one lease to say that it lives."""

import pytest

from tidings.store.availability.store_health import StoreHealth, log_nothing
from tidings_worker.queue.lease_grace import LeaseGrace, tolerated_downtime_s
from tidings_worker.settings import WorkerSettings

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
def lease_grace(clock: Clock) -> LeaseGrace:
    return LeaseGrace(
        StoreHealth(max_downtime_s=tolerated_downtime_s(SETTINGS), tell=log_nothing, clock=clock), SETTINGS
    )


@pytest.mark.parametrize("operation", ["beat", "take_over"])
def test_refused_heartbeats_are_as_good_as_silence(lease_grace: LeaseGrace, clock: Clock, operation: str) -> None:
    assert not lease_grace.holds()
    lease_grace.refused(operation)
    assert not lease_grace.holds()  # it has not lasted
    clock.now += 3.1  # with the heartbeat before it: longer than half a lease
    assert lease_grace.holds()
    lease_grace.refused(operation)
    lease_grace.taken(operation)
    clock.now += 9.9
    assert lease_grace.holds()
    clock.now += 0.2
    assert not lease_grace.holds()


def test_a_short_refusal_moves_nothing(lease_grace: LeaseGrace, clock: Clock) -> None:
    lease_grace.refused("beat")
    clock.now += 2.9
    lease_grace.taken("beat")
    assert not lease_grace.holds()


def test_what_says_nothing_of_leases_does_not_count(lease_grace: LeaseGrace, clock: Clock) -> None:
    lease_grace.refused("promote")
    clock.now += 100
    assert not lease_grace.holds()
    lease_grace.taken("promote")
    assert not lease_grace.holds()
