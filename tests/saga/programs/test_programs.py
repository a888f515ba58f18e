"""Sagas made up by Hypothesis, with workers that die at any call of the store, and wishes that come at any moment."""

import logging
import os
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from saga.programs.check import check
from saga.programs.crew import Cut, How
from saga.programs.play import Trial, play
from saga.programs.program import bodies
from support.store import StoreProcess

# A worker that is killed as it starts has tasks that never began, and AnyIO's are around coroutines.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")

ASKED = os.environ.get("TIDINGS_PROGRAMS", "")
"""Programs for each test, drawn anew each time; empty: some that are always the same."""

SETTINGS = settings(max_examples=int(ASKED or "40"), derandomize=not ASKED)

CALLS = 40
"""A program makes about so many calls of the store."""

_hows: st.SearchStrategy[How] = st.sampled_from(
    ["killed before", "killed after", "killed meanwhile", "refused", "unheard", "leaves"]
)
cuts = st.lists(st.builds(Cut, st.integers(1, CALLS), _hows, st.integers(0, 20)), max_size=2).map(tuple)


@pytest.fixture(autouse=True, scope="module")
def _quiet() -> Iterator[None]:
    """Workers that come and go would fill the log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.configure(**before)


def run(store: StoreProcess, trial: Trial) -> None:
    """Run one, and check what came of it.

    Not on uvloop: its loops wait for ever when they are closed, where a connection was cut off at a bad moment.
    """
    check(anyio.run(play, store.url, trial))


def _trials(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[Trial]:
    parts = {
        "body": bodies,
        "signal_ms": st.sampled_from([0, 3, 20]),
        "mates": st.integers(1, 2),
        "parks": st.booleans(),
        **more,
    }
    return st.fixed_dictionaries(parts).map(lambda found: Trial(**found))


@SETTINGS
@given(trial=_trials())
def test_a_program_comes_to_its_end(store_process: StoreProcess, trial: Trial) -> None:
    run(store_process, trial)


@SETTINGS
@given(trial=_trials(cuts=cuts))
def test_a_program_comes_to_its_end_whenever_its_workers_are_cut_off(store_process: StoreProcess, trial: Trial) -> None:
    run(store_process, trial)


@SETTINGS
@given(trial=_trials(cuts=cuts, cancel_at=st.integers(1, CALLS), late=st.integers(0, CALLS)))
def test_a_program_is_cancelled_at_any_moment(store_process: StoreProcess, trial: Trial) -> None:
    run(store_process, trial)


@SETTINGS
@given(trial=_trials(cuts=cuts, deadline_ms=st.integers(1, 200)))
def test_the_deadline_of_a_program_comes_at_any_moment(store_process: StoreProcess, trial: Trial) -> None:
    run(store_process, trial)
