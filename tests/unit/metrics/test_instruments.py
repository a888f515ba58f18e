"""Meters, and the store's clock: what is counted where, and how little names that users choose can grow it."""

import pytest

from tidings.metrics.exposition import write_page
from tidings.metrics.instruments import BOUNDS, MAX_NAMES, OTHER, Counter, Histogram, HistogramSeries, LabelNames
from tidings.metrics.metric_family import (
    HistogramFamily,
    NumberFamily,
    counter_family,
    histogram_family,
    observation_count_family,
)
from tidings.store.redis.store_clock import KEPT, StoreClock


@pytest.mark.parametrize("bucket", range(len(BOUNDS)))
def test_a_bound_belongs_to_the_bucket_below_it(bucket: int) -> None:
    series = HistogramSeries()
    series.observe(BOUNDS[bucket])
    series.observe(BOUNDS[bucket] * 1.0001)
    assert (series.counts[bucket], series.counts[bucket + 1]) == (1, 1)
    assert sum(series.counts) == 2


def test_many_that_took_equally_long_count_as_each_would() -> None:
    one, many = HistogramSeries(), HistogramSeries()
    for _ in range(7):
        one.observe(0.25)
    many.observe_many(0.25, 7)
    assert (one.counts, one.total) == (many.counts, many.total)


def test_of_ten_thousand_kinds_the_first_have_lines_and_the_rest_share_one() -> None:
    names = LabelNames()
    histogram = Histogram("tidings_x_seconds", "x", ("kind", "tier"), names)
    counter = Counter("tidings_x_total", "x", ("kind",), names)
    for number in range(10_000):
        for _ in range(2):
            histogram.of(f"kind{number}", "standard").observe(1)
            counter.add(f"kind{number}")
    assert len(list(histogram)) == len(list(counter)) == MAX_NAMES + 1
    assert dict(counter)[(OTHER,)] == sum(dict(histogram)[(OTHER, "standard")].counts) == 2 * (10_000 - MAX_NAMES)
    assert dict(counter)[("kind0",)] == 2


def test_what_is_copied_for_a_page_does_not_move_any_more() -> None:
    histogram = Histogram("tidings_x_seconds", "x", ("kind",), LabelNames())
    histogram.of("k").observe(1, "a" * 32)
    found = histogram_family(histogram)
    histogram.of("k").observe(1, "b" * 32)
    ((_, series),) = found.samples
    assert (sum(series.counts), series.total) == (1, 1)
    assert {one.trace for one in series.exemplars.values()} == {"a" * 32}


def test_a_page_holds_sums_counts_and_cumulated_buckets() -> None:
    histogram = Histogram("tidings_x_seconds", "x", ("kind",), LabelNames())
    for seconds in (0.0, 0.3, 7200.0):
        histogram.of('k"\n').observe(seconds)
    total = observation_count_family(histogram, Counter("tidings_x_total", "x", ("kind",)))
    empty = counter_family(Counter("tidings_y_total", "y"))
    lines = write_page([histogram_family(histogram), total, empty]).body.decode().splitlines()
    label = r'kind="k\"\n"'
    assert f'tidings_x_seconds_bucket{{{label},le="0.0005"}} 1.0' in lines
    assert f'tidings_x_seconds_bucket{{{label},le="0.5"}} 2.0' in lines
    assert f'tidings_x_seconds_bucket{{{label},le="3600.0"}} 2.0' in lines
    assert f'tidings_x_seconds_bucket{{{label},le="+Inf"}} 3.0' in lines
    assert f"tidings_x_seconds_sum{{{label}}} 7200.3" in lines
    assert f"tidings_x_total{{{label}}} 3.0" in lines
    assert "tidings_y_total 0.0" in lines
    assert isinstance(total, NumberFamily)
    assert isinstance(histogram_family(histogram), HistogramFamily)


def test_the_answer_that_came_fastest_tells_the_stores_time() -> None:
    clock = StoreClock(lambda: 100.0)
    assert clock.now() is None
    clock.take(asked=10.0, answered=14.0, told=1_000_013.9)  # waited in a queue on its way
    clock.take(asked=20.0, answered=20.002, told=1_003_620.001)  # the machine's clock is an hour behind the store's
    clock.take(asked=30.0, answered=31.0, told=1_003_630.9)
    assert clock.now() == pytest.approx(1_003_700)


def test_a_clock_that_was_set_is_believed_when_the_older_answers_have_left() -> None:
    clock = StoreClock(lambda: 100.0)
    clock.take(asked=0.0, answered=0.001, told=500.0)
    for _ in range(KEPT):
        clock.take(asked=50.0, answered=50.5, told=1_050.25)
    assert clock.now() == pytest.approx(1_100)
