"""The table of transitions of a job."""

from tidings.protocol.states import REPLAY, TERMINAL, TRANSITIONS, State

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
