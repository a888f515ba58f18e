import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flights.delays import CHART_BARS, LATE_MIN, Cell, Delays, Tally, day_name

minutes = st.none() | st.integers(-60, 1500)
cells = st.lists(st.tuples(st.integers(1, 12), minutes, st.integers(1, 50)), max_size=40)


def report_rows(tally: Tally) -> list[list[str | int | float | None]]:
    return tally.report("", 0, 0).rows


@given(st.lists(st.tuples(minutes, st.integers(1, 5)), min_size=1))
def test_counts_agree_with_statistics_of_the_flights_one_by_one(
    counted: list[tuple[int | None, int]],
) -> None:
    delays = Delays()
    for delay, flights in counted:
        delays.add(delay, flights)
    left = [delay for delay, flights in counted if delay is not None for _ in range(flights)]
    assert delays.flights == sum(flights for _, flights in counted)
    assert delays.departed == len(left)
    assert delays.late == sum(delay >= LATE_MIN for delay in left)
    assert delays.worst == max(left, default=None)
    assert delays.median == (statistics.median(left) if left else None)
    assert delays.average == (pytest.approx(statistics.fmean(left)) if left else None)


@given(cells, st.data())
def test_parts_in_any_order_and_size_add_up_to_the_same(parts: list[Cell], data: st.DataObject) -> None:
    whole, pieces = Tally("month", {}), Tally("month", {})
    whole.add(parts)
    shuffled = data.draw(st.permutations(parts))
    cut = data.draw(st.integers(0, len(parts)))
    pieces.add(shuffled[:cut])
    pieces.add(shuffled[cut:])
    assert report_rows(pieces) == report_rows(whole)
    assert pieces.averages() == whole.averages()


def test_fifteen_minutes_are_late_and_fourteen_are_not() -> None:
    delays = Delays()
    delays.add(14, 1)
    delays.add(15, 1)
    assert delays.late == 1


def test_months_come_in_order_of_the_year_by_name() -> None:
    tally = Tally("month", {})
    tally.add([(10, 5, 1), (2, 50, 1), (1, 1, 1)])
    assert tally.averages() == [("January", 1.0), ("February", 50.0), ("October", 5.0)]


def test_hours_read_as_times_of_day() -> None:
    tally = Tally("hour", {})
    tally.add([(17, 5, 1), (6, 1, 1)])
    assert tally.averages() == [("06:00", 1.0), ("17:00", 5.0)]


def test_airlines_come_by_name_and_the_latest_first() -> None:
    tally = Tally("carrier", {"UA": "United", "AA": "American"})
    tally.add([("AA", 3, 1), ("UA", 9, 1)])
    assert tally.averages() == [("United", 9.0), ("American", 3.0)]
    assert [row[0] for row in report_rows(tally)] == ["United (UA)", "American (AA)"]


def test_airports_are_codes_in_the_chart_and_names_in_the_table() -> None:
    tally = Tally("dest", {"BOS": "Logan"})
    tally.add([("BOS", 3, 1), ("SJU", 2, 1)])
    report = tally.report("Title", 2, 0.12345)
    assert report.chart.labels == ["BOS", "SJU"]
    assert [row[0] for row in report.rows] == ["Logan (BOS)", "SJU"]
    assert report.elapsed_s == 0.123


def test_a_group_of_which_no_flight_left_has_a_row_without_delays_and_no_bar() -> None:
    tally = Tally("dest", {})
    tally.add([("LGA", None, 1), ("BOS", 1, 4)])
    report = tally.report("", 5, 0)
    assert report.chart.labels == ["BOS"]
    # flights, average, median, late share, worst, cancelled share
    assert report.rows == [["BOS", 4, 1.0, 1.0, 0.0, 1, 0.0], ["LGA", 1, None, None, None, None, 100.0]]
    assert len(report.columns) == 7


def test_a_chart_of_many_destinations_shows_the_worst_and_says_so() -> None:
    tally = Tally("dest", {})
    tally.add([(f"A{number:02}", number, 1) for number in range(CHART_BARS + 1)])
    report = tally.report("", 0, 0)
    assert len(report.rows) == CHART_BARS + 1
    assert len(report.chart.labels) == len(report.chart.values) == CHART_BARS
    assert "A00" not in report.chart.labels
    assert report.chart.x_label == "destination (the 25 with the longest delays)"


def test_nothing_read_yet_is_an_empty_table() -> None:
    report = Tally("month", {}).report("", 0, 0)
    assert (report.rows, report.chart.labels) == ([], [])


def test_days_have_names() -> None:
    assert day_name(3, 14) == "14 March"
