import math

from bench.load.histogram import Histogram
from hypothesis import given
from hypothesis import strategies as st

durations = st.lists(st.floats(1e-6, 1e5), min_size=1, max_size=200)


@given(durations, st.floats(0.001, 1))
def test_percentiles_are_those_of_the_sorted_list_to_one_per_cent(values: list[float], share: float) -> None:
    exact = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    assert math.isclose(Histogram(values).percentile(share), exact, rel_tol=0.01)


@given(durations)
def test_percentiles_never_fall(values: list[float]) -> None:
    found = list(Histogram(values).to_ms().values())
    assert found == sorted(found)


def test_what_is_too_short_to_tell_counts_as_the_shortest() -> None:
    assert math.isclose(Histogram([0.0, -1e-9]).percentile(1), 1e-6, rel_tol=0.01)


def test_of_nothing_there_is_no_percentile() -> None:
    assert math.isnan(Histogram().percentile(0.5))
    assert Histogram().to_ms() == {}
