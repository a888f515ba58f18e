"""The table of transitions, as CONTRACT section 1 has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.protocol.states import INITIAL, REPLAY, TERMINAL, TRANSITIONS, IllegalTransitionError, State, step

CONTRACT = {
    "scheduled": "queued cancelled expired",
    "queued": "running failed cancelled expired",
    "running": "succeeded failed scheduled waiting queued cancelled expired",
    "waiting": "queued cancelled expired",
    "succeeded": "",
    "failed": "",
    "cancelled": "",
    "expired": "",
}


def test_table_is_the_contract_s() -> None:
    assert {str(state): set(after) for state, after in TRANSITIONS.items()} == {
        state: set(after.split()) for state, after in CONTRACT.items()
    }


def test_terminal_states_are_those_that_nothing_leaves() -> None:
    assert {State.SUCCEEDED, State.FAILED, State.CANCELLED, State.EXPIRED} == TERMINAL


def test_a_replay_reopens_what_failed_and_nothing_else() -> None:
    assert {State.FAILED: {State.QUEUED}} == REPLAY
    assert not any(to in TRANSITIONS[state] for state, after in REPLAY.items() for to in after)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("to", State)
def test_step_goes_where_the_table_leads_and_nowhere_else(state: State, to: State) -> None:
    if to in TRANSITIONS[state]:
        assert step(state, to) is to
    else:
        with pytest.raises(IllegalTransitionError):
            step(state, to)


@given(st.sampled_from(sorted(INITIAL)), st.lists(st.sampled_from(list(State)), max_size=30))
def test_no_walk_leaves_a_terminal_state(state: State, wishes: list[State]) -> None:
    ended: State | None = None
    for wish in wishes:
        try:
            state = step(state, wish)
        except IllegalTransitionError:
            continue
        assert ended is None, f"left {ended} for {state}"
        ended = state if state in TERMINAL else None
