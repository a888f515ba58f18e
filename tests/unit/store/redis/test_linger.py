from collections.abc import Callable

import pytest

from tidings.store.redis.linger import LONGEST_S, Linger


class Clock:
    """An event loop's clock, which a test moves, and the timers that it was asked for."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[float] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, _: Callable[[], object]) -> "Clock":
        self.timers.append(when)
        return self

    def cancel(self) -> None:
        self.timers.pop()


def linger_with(clock: Clock) -> Linger[int]:
    return Linger(lambda _: True, lambda: None, clock)  # type: ignore[arg-type]


@pytest.mark.parametrize(("per_s", "longest"), [(100, 0.001), (1_000, 0.002), (3_500, LONGEST_S)])
def test_below_the_rate_from_which_it_pays_hardly_an_item_waits(per_s: int, longest: float) -> None:
    clock = Clock()
    assert steady_wait(linger_with(clock), clock, per_s) <= longest


@pytest.mark.parametrize("per_s", [5_000, 20_000])
def test_above_it_a_batch_leaves_each_longest_wait(per_s: int) -> None:
    clock = Clock()
    assert steady_wait(linger_with(clock), clock, per_s) == pytest.approx(LONGEST_S, abs=2 / per_s)


def steady_wait(linger: Linger[int], clock: Clock, per_s: int) -> float:
    """Return how long the first item of the last batch of a second waited, at a steady rate."""
    waiting: list[float] = []
    wait = 0.0
    for _ in range(per_s):
        clock.now += 1 / per_s
        waiting.append(clock.now)
        linger.add(0)
        if clock.timers and clock.now < clock.timers[0]:
            continue
        clock.timers.clear()
        if not linger.holds(full=False):
            wait = clock.now - waiting[0]
            linger.leave(len(waiting), left=False)
            waiting.clear()
    return wait


def test_a_full_batch_waits_no_longer_and_a_closed_one_is_not_sent() -> None:
    clock = Clock()
    linger = linger_with(clock)
    linger.leave(256, left=False)
    assert not linger.holds(full=True)
    assert linger.holds(full=False)
    assert clock.timers == [clock.now + LONGEST_S]
    linger.close()
    assert clock.timers == []
