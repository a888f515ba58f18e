from bench.load.histogram import Histogram
from bench.load.schedule import Schedule
from hypothesis import given
from hypothesis import strategies as st

pauses = st.lists(st.floats(0, 3), max_size=50)


@given(st.floats(0.1, 500), st.floats(-1e3, 1e6), pauses)
def test_every_moment_is_taken_once_in_order_and_none_early(rate: float, began: float, waits: list[float]) -> None:
    schedule, now, taken = Schedule(rate, began, 5.0), began, []
    for wait in [*waits, 10.0]:
        now += wait
        due = schedule.take(now)
        assert all(moment <= now for moment in due)
        assert schedule.next is None or schedule.next > now
        taken += due
    assert taken == [began + number / rate for number in range(round(5 * rate))]
    assert schedule.next is None


def test_a_stall_does_not_hide_what_was_meant_to_be_submitted_meanwhile() -> None:
    schedule = Schedule(100, 0.0, 2.0)  # one each 10 ms
    late = Histogram()
    wakes = [number / 100 for number in range(100)] + [1.99]  # asleep from 0.99 s to 1.99 s
    for now in wakes:
        for moment in schedule.take(now):
            late.add(now - moment)
    assert late.count == 200
    assert late.percentile(0.5) < 0.001
    # Of 200 the latest hundred waited 0.99 s, 0.98 s, … 0 s: one in a hundred of all waited 0.97 s or more.
    assert 0.95 < late.percentile(0.99) < 1.0
