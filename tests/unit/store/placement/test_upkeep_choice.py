"""Which workers come first in the upkeep of a partition."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tidings.store.placement.upkeep_choice import ON_DUTY, upkeep_place, upkeep_rank

WORKERS = st.sets(st.text(min_size=1, max_size=20), min_size=1, max_size=12)
PLACES = st.text(min_size=1, max_size=20)


def first(place: str, workers: set[str]) -> list[str]:
    return sorted(workers, key=lambda worker: (upkeep_rank(place, worker), worker))[:ON_DUTY]


@given(PLACES, WORKERS, st.data())
def test_a_worker_that_leaves_changes_nothing_unless_it_was_among_the_first(
    place: str, workers: set[str], data: st.DataObject
) -> None:
    before = first(place, workers)
    gone = data.draw(st.sampled_from(sorted(workers)))
    after = first(place, workers - {gone})
    assert [worker for worker in before if worker != gone] == after[: len(set(before) - {gone})]
    assert len(after) == min(ON_DUTY, len(workers) - 1)


@given(PLACES, st.text(max_size=20))
def test_a_rank_is_a_number_that_the_store_holds_exactly(place: str, worker: str) -> None:
    rank = upkeep_rank(place, worker)
    assert 0 <= rank < 2**48
    assert int(float(rank)) == rank


@given(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6))
def test_the_border_between_place_and_worker_counts(one: str, other: str, third: str) -> None:
    if other:
        assert upkeep_rank(one + other, third) != upkeep_rank(one, other + third)


def test_the_partitions_of_many_workers_are_shared_out() -> None:
    workers = {f"host-{number}" for number in range(20)}
    on_duty = Counter(worker for number in range(200) for worker in first(f"orders~{number}/standard", workers))
    assert len(on_duty) == 20
    # 600 duties over 20 workers are 30 each, with a standard deviation of about five.
    assert all(10 <= duties <= 60 for duties in on_duty.values())


def test_workers_that_serve_other_tiers_share_another_upkeep() -> None:
    assert upkeep_place("p", ["fast", "slow"]) == upkeep_place("p", ["slow", "fast"])
    assert len({upkeep_place("p", ["fast"]), upkeep_place("p", ["slow"]), upkeep_place("q", ["fast"])}) == 3
