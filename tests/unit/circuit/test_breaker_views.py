"""When jobs that wait look again, and what one process believes of a breaker."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.circuit.breaker_record import BreakerState, BreakerView
from tidings.circuit.breaker_views import BreakerViews
from tidings.circuit.retry_spacing import MAX_SPREAD_S, OPERATOR_RETRY_S, RETRIES_PER_S, RetrySpacing

OPEN, CLOSED, HALF_OPEN = BreakerState.OPEN, BreakerState.CLOSED, BreakerState.HALF_OPEN


@given(st.integers(1, 3_000), st.floats(0, 1_000), st.floats(0, 1e6), st.floats(0, 0.999))
def test_one_looks_when_it_may_and_few_at_a_time_after_it(jobs: int, wait: float, now: float, draw: float) -> None:
    line = RetrySpacing()
    places = [line.next_delay(now, wait, 1, draw) for _ in range(jobs)]
    assert places[0] == pytest.approx(wait, abs=1e-6)
    assert all(wait - 1e-6 <= place <= wait + MAX_SPREAD_S + 1e-6 for place in places)
    assert all(later - before >= 1 / RETRIES_PER_S - 1e-6 for before, later in pairwise(places))


def test_a_line_that_is_too_long_is_spread_over_its_length() -> None:
    line = RetrySpacing()
    room = int(MAX_SPREAD_S * RETRIES_PER_S) + 1
    places = [line.next_delay(0, 10, 1, index % 100 / 100) for index in range(room + 100)]
    assert max(places[:room]) <= 10 + MAX_SPREAD_S + 1e-6
    assert places[-100:] == pytest.approx([10 + index % 100 / 100 * MAX_SPREAD_S for index in range(room, room + 100)])


def test_after_a_change_the_line_begins_again() -> None:
    line = RetrySpacing()
    assert [line.next_delay(0, 1, epoch, 0) for epoch in (1, 1, 2)] == [1, 1.05, 1]
    assert line.next_delay(0, float("inf"), 3, 0) == OPERATOR_RETRY_S


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_newer_stands_whichever_comes_last() -> None:
    clock = Clock()
    views = BreakerViews(clock)
    asked = views.revision
    assert views.take(BreakerView("x", OPEN, 3, 500))
    assert not views.take(BreakerView("x", CLOSED, 2, 0), asked)  # asked before, answered late
    assert not views.take(BreakerView("x", CLOSED, 2, 0))
    assert views.wait("x") == 0.5
    clock.now += 0.6
    assert views.wait("x") == 0
    assert views.take(BreakerView("x", HALF_OPEN, 4, -1))
    assert views.wait("x") == float("inf")


def test_a_store_that_has_forgotten_is_believed_when_it_is_asked() -> None:
    views = BreakerViews(Clock())
    views.take(BreakerView("x", OPEN, 9, -1))
    assert not views.take(BreakerView("x", CLOSED, 0, 0))
    assert views.take(BreakerView("x", CLOSED, 0, 0), views.revision)
    assert views.wait("x") == 0


def test_an_answer_renews_how_long_to_wait_and_is_no_change() -> None:
    views = BreakerViews(Clock())
    views.take(BreakerView("x", HALF_OPEN, 2, 100))
    assert not views.take(BreakerView("x", HALF_OPEN, 2, 700), views.revision)
    assert views.wait("x") == pytest.approx(0.7)
    views.forget("x")
    assert views["x"] is None
    assert views.wait("x") == 0
