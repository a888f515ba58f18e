"""When a worker looks for more jobs before it waits for the next one."""

from hypothesis import given
from hypothesis import strategies as st

from tidings_worker.queue.consumer import MOST_SKIPPED, LookAhead


def looks(look_ahead: LookAhead, jobs: int) -> int:
    """Return how often a worker looks, while so many jobs come one by one."""
    count = 0
    for _ in range(jobs):
        if look_ahead.due():
            count += 1
            look_ahead.looked(found=False)
    return count


def test_jobs_that_come_one_by_one_cost_few_looks() -> None:
    assert looks(LookAhead(), 100) <= 100 // MOST_SKIPPED + 3


def test_a_look_that_finds_jobs_is_followed_by_another() -> None:
    look_ahead = LookAhead()
    looks(look_ahead, 100)
    while not look_ahead.due():
        pass
    look_ahead.looked(found=True)
    assert look_ahead.due()


@given(st.lists(st.booleans()))
def test_no_more_than_so_many_looks_are_left_out_in_a_row(finds: list[bool]) -> None:
    look_ahead = LookAhead()
    for found in finds:
        left_out = 0
        while not look_ahead.due():
            left_out += 1
        assert left_out <= MOST_SKIPPED
        look_ahead.looked(found=found)
