"""Small programs, with one thing going wrong at each call of the store in turn."""

import anyio
import pytest

from saga.programs.check import check
from saga.programs.crew import BEYOND, Cut
from saga.programs.play import Trial, play
from saga.programs.program import Body, Call, Nest, Reject, Signal, Step
from support.store import StoreProcess

# As in test_programs.py.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")

FAILS: Body = (Step("function"), Call("kind"), Reject())
CALLS: Body = (Step("function"), Call("kind"), Signal())
WAITS: Body = (Step("function"), Nest((Step(), Signal()), "kind"))
NEVER_MS = 60_000
"""The signal does not come before the cancellation does."""


def run(store: StoreProcess, trial: Trial) -> None:
    check(anyio.run(play, store.url, trial))


@pytest.mark.parametrize("late", range(1, 24, 2))
def test_an_order_to_stop_that_was_long_under_way_does_not_cut_an_unwinding_short(
    store_process: StoreProcess, late: int
) -> None:
    run(store_process, Trial(FAILS, cancel_at=8, late=late))


@pytest.mark.parametrize("at", range(4, 8))
def test_a_child_whose_submission_was_long_under_way_is_not_made_once_the_saga_unwinds(
    store_process: StoreProcess, at: int
) -> None:
    cut = Cut(at, "killed meanwhile", late=BEYOND)  # until all is quiet
    run(store_process, Trial(CALLS, cuts=(cut,), cancel_at=at + 1))


def test_a_child_that_began_and_waits_when_it_is_stopped_is_undone(store_process: StoreProcess) -> None:
    run(store_process, Trial(WAITS, cancel_at=BEYOND, signal_ms=NEVER_MS))


def test_a_child_that_has_undone_itself_is_not_undone_again(store_process: StoreProcess) -> None:
    run(store_process, Trial((Step("function"), Nest((Step("kind"), Signal(given=False)), "kind"))))
