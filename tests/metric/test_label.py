"""Under which outcome an attempt is counted: what became of its job, not what the worker meant."""

import pytest

from tidings.protocol.problems import problem
from tidings.protocol.states import TERMINAL
from tidings.store.attempt_store import AttemptOutcome
from tidings_worker import outcomes

FAILED = outcomes.failed(problem("rejected", "no"))
HELD = outcomes.parked_for_breaker(1, "b", 1.0)
WAITING = outcomes.waiting(-1, 0, "")


@pytest.mark.parametrize(
    ("outcome", "answer", "label"),
    [
        (outcomes.succeeded(b"1"), "ok", "succeeded"),
        (outcomes.succeeded(b"1"), "done", "succeeded"),  # its report was sent twice
        (outcomes.succeeded(b"1"), "cancel", "succeeded"),  # the wish came too late
        (FAILED, "ok", "failed"),
        (FAILED, "turned", "unwinding"),
        (outcomes.expired(), "turned", "unwinding"),
        (outcomes.cancelled(), "ok", "cancelled"),
        (HELD, "ok", "held"),
        (HELD, "cancel", "cancelled"),
        (WAITING, "ok", "waiting"),
        (WAITING, "cancel", "cancelled"),
        (outcomes.handed_back(), "ok", "handed_back"),
        (outcomes.not_served("k", 1.0), "ok", "handed_back"),
        (FAILED, "lost", ""),
    ],
)
def test_an_attempt_counts_as_what_became_of_its_job(outcome: AttemptOutcome, answer: str, label: str) -> None:
    assert outcomes.label_of(outcome, answer) == label
    assert (label in {state.value for state in TERMINAL}) == (label in {"succeeded", "failed", "cancelled", "expired"})
