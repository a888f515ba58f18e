"""Under which outcome an attempt is counted: what became of its job, not what the worker meant."""

import pytest

from tidings.protocol.problems import problem
from tidings.protocol.states import TERMINAL
from tidings.store.answers import ReportAnswer
from tidings.store.attempts.attempt_store import AttemptOutcome
from tidings_worker.outcome import outcomes

FAILED = outcomes.failed(problem("rejected", "no"))
HELD = outcomes.parked_for_breaker(1, "b", 1.0)
WAITING = outcomes.waiting(-1, 0, "")


@pytest.mark.parametrize(
    ("outcome", "answer", "label"),
    [
        (outcomes.succeeded(b"1"), ReportAnswer.OK, "succeeded"),
        (outcomes.succeeded(b"1"), ReportAnswer.DONE, "succeeded"),  # its report was sent twice
        (outcomes.succeeded(b"1"), ReportAnswer.CANCEL, "succeeded"),  # the wish came too late
        (FAILED, ReportAnswer.OK, "failed"),
        (FAILED, ReportAnswer.TURNED, "unwinding"),
        (outcomes.expired(), ReportAnswer.TURNED, "unwinding"),
        (outcomes.cancelled(), ReportAnswer.OK, "cancelled"),
        (HELD, ReportAnswer.OK, "held"),
        (HELD, ReportAnswer.CANCEL, "cancelled"),
        (WAITING, ReportAnswer.OK, "waiting"),
        (WAITING, ReportAnswer.CANCEL, "cancelled"),
        (outcomes.handed_back(), ReportAnswer.OK, "handed_back"),
        (outcomes.not_served("k", 1), ReportAnswer.OK, "handed_back"),
        (FAILED, ReportAnswer.LOST, ""),
    ],
)
def test_an_attempt_counts_as_what_became_of_its_job(outcome: AttemptOutcome, answer: ReportAnswer, label: str) -> None:
    assert outcomes.label_of(outcome, answer) == label
    assert (label in {state.value for state in TERMINAL}) == (label in {"succeeded", "failed", "cancelled", "expired"})
