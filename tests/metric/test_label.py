"""Under which outcome an attempt is counted: what became of its job, not what the worker meant."""

import pytest

from tidings.broker.worker import Outcome
from tidings.contract.problem import problem
from tidings.contract.state import TERMINAL
from tidings_worker import verdict

FAILED = verdict.failed(problem("rejected", "no"))
HELD = verdict.held(1, "b", 1.0)
WAITING = verdict.waiting(-1, 0, "")


@pytest.mark.parametrize(
    ("outcome", "answer", "label"),
    [
        (verdict.succeeded(b"1"), "ok", "succeeded"),
        (verdict.succeeded(b"1"), "done", "succeeded"),  # its report was sent twice
        (verdict.succeeded(b"1"), "cancel", "succeeded"),  # the wish came too late
        (FAILED, "ok", "failed"),
        (FAILED, "turned", "unwinding"),
        (verdict.expired(), "turned", "unwinding"),
        (verdict.cancelled(), "ok", "cancelled"),
        (HELD, "ok", "held"),
        (HELD, "cancel", "cancelled"),
        (WAITING, "ok", "waiting"),
        (WAITING, "cancel", "cancelled"),
        (verdict.handed_back(), "ok", "handed_back"),
        (verdict.not_served("k", 1.0), "ok", "handed_back"),
        (FAILED, "lost", ""),
    ],
)
def test_an_attempt_counts_as_what_became_of_its_job(outcome: Outcome, answer: str, label: str) -> None:
    assert verdict.label(outcome, answer) == label
    assert (label in {state.value for state in TERMINAL}) == (label in {"succeeded", "failed", "cancelled", "expired"})
