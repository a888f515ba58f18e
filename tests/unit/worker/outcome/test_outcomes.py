"""The worker's pure parts: pace, back-off, and how attempts end."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import Job, Reject, Retry, State, job
from tidings.protocol.states import TRANSITIONS
from tidings.token_bucket import TokenBucket
from tidings_worker.outcome import outcomes
from tidings_worker.outcome.outcomes import retry_delay_s
from tidings_worker.runner.error_transport import error_of, message_of


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_is_jittered_over_the_whole_of_an_exponential_range(attempt: int, draw: float) -> None:
    assert 0 <= retry_delay_s(attempt, draw) <= min(300, 0.5 * 2.0 ** min(attempt - 1, 60))
    assert retry_delay_s(attempt, 0) == 0


@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (11, 300), (1000, 300)])
def test_backoff_doubles_up_to_its_longest(attempt: int, longest: float) -> None:
    assert retry_delay_s(attempt, 0.999999999) == pytest.approx(longest)


@given(st.floats(0.5, 100), st.lists(st.floats(0, 2), max_size=200))
def test_the_pace_is_kept_over_any_stretch(rate: float, pauses: list[float]) -> None:
    now, passed = 0.0, 0
    pace = TokenBucket(rate, max(rate, 1), now)
    for pause in pauses:
        now += pause
        passed += not pace.take(now)
    assert passed <= max(rate, 1) + rate * now + 1e-6
    assert pace.take(now) <= 1 / rate + 1e-9


def test_after_the_wait_an_event_may_go() -> None:
    pace = TokenBucket(20, 20, 0)
    assert [pace.take(0) for _ in range(21)] == [0.0] * 20 + [pytest.approx(0.05)]
    assert pace.take(0) == pytest.approx(0.05)  # a question that was refused takes nothing
    assert not pace.take(0.0501)


async def nothing() -> None: ...


def kind(**options: Any) -> Job[Any, Any]:
    return job(**options)(nothing)


def problem_of(outcome: Any) -> dict[str, Any]:
    problem: dict[str, Any] = msgspec.json.decode(outcome.value)
    return problem


def test_an_error_is_retried_while_attempts_are_left_and_then_fails() -> None:
    policy = kind(retries=2)
    for attempt in (1, 2):
        outcome = outcomes.raised(policy, attempt, RuntimeError("x"), 0.5)
        assert outcome.state is State.SCHEDULED
        assert outcome.delay_ms == int(retry_delay_s(attempt, 0.5) * 1000)
    outcome = outcomes.raised(policy, 3, RuntimeError("x"), 0.5)
    assert outcome.state is State.FAILED
    assert problem_of(outcome)["code"] == "attempts_exhausted"
    assert "RuntimeError: x" in outcome.note


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_lost_worker_is_no_failure_of_the_handler(lost: int) -> None:
    for retries in (0, 1):
        policy = kind(retries=retries)
        ends = [outcomes.raised(policy, lost + failures, RuntimeError("x"), 0.5, lost) for failures in (1, 2)]
        again = State.SCHEDULED if retries else State.FAILED
        assert [end.state for end in ends] == [again, State.FAILED]


def test_without_retries_the_code_says_what_happened() -> None:
    assert problem_of(outcomes.raised(kind(), 1, RuntimeError("x"), 0))["code"] == "handler_error"
    assert problem_of(outcomes.timed_out(kind(), 1, 5, 0))["code"] == "timeout"


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_retry_for_which_no_try_is_left_has_used_up_its_attempts(retries: int) -> None:
    error = Retry("the service is busy", after=timedelta(seconds=1))
    for policy in (kind(retries=retries), kind(retries=retries, retry_on=OSError)):
        for lost in (0, 2):
            outcome = outcomes.raised(policy, retries + 1 + lost, error, 0.5, lost)
            problem = problem_of(outcome)
            assert (outcome.state, problem["code"]) == (State.FAILED, "attempts_exhausted")
            attempts = "1 attempt failed" if not retries else f"{retries + 1} attempts failed"
            assert problem["detail"] == f"{attempts}; the last: the service is busy"
    crossed = error_of(message_of(error, kind().policy))
    assert problem_of(outcomes.raised(kind(), 1, crossed, 0.5))["code"] == "attempts_exhausted"
    told, after = outcomes.step_failure(kind(), kind(retries=retries).policy, error, retries + 1, 0.5)
    assert (told.code, after) == ("attempts_exhausted", None)


def test_the_text_of_an_error_is_shown_only_if_the_kind_says_so() -> None:
    assert "secret" not in outcomes.raised(kind(), 1, RuntimeError("secret"), 0).value
    assert "secret" in outcomes.raised(kind(expose_errors=True), 1, RuntimeError("secret"), 0).value


def test_a_reject_is_never_retried_and_speaks_to_the_client() -> None:
    outcome = outcomes.raised(kind(retries=5), 1, Reject("too old", code="age", data={"years": 9}), 0)
    assert outcome.state is State.FAILED
    problem = problem_of(outcome)
    assert (problem["code"], problem["detail"]) == ("rejected", "too old")
    assert problem["errors"] == [{"code": "age", "data": {"years": 9}}]


def test_a_retry_knows_better_when() -> None:
    assert outcomes.raised(kind(retries=1), 1, Retry("busy", after=7.5), 0.9).delay_ms == 7500
    assert outcomes.raised(kind(retries=1), 1, Retry("busy", after=timedelta(minutes=1)), 0.9).delay_ms == 60_000
    assert outcomes.raised(kind(retries=1), 1, Retry("busy"), 0.9).delay_ms == int(retry_delay_s(1, 0.9) * 1000)


@pytest.mark.parametrize(
    ("options", "error", "state"),
    [
        ({"retry_on": OSError}, ConnectionError(), State.SCHEDULED),
        ({"retry_on": OSError}, ValueError(), State.FAILED),
        ({"retry_on": (OSError, ValueError)}, ValueError(), State.SCHEDULED),
        ({"no_retry_on": ConnectionError}, ConnectionError(), State.FAILED),
        ({"no_retry_on": ConnectionError}, OSError(), State.SCHEDULED),
        ({"retry_on": OSError}, Retry("asked for"), State.SCHEDULED),
        ({}, SystemExit(1), State.FAILED),
        ({"retry_on": BaseException}, SystemExit(1), State.SCHEDULED),
    ],
)
def test_what_is_retried_is_the_policy_s_to_say(options: dict[str, Any], error: BaseException, state: State) -> None:
    assert outcomes.raised(kind(retries=1, **options), 1, error, 0.5).state is state


def test_every_outcome_is_a_legal_end_of_running_and_its_event_is_json() -> None:
    ends = [
        outcomes.succeeded(b'{"a":1}'),
        outcomes.raised(kind(), 1, RuntimeError('"quoted"\n'), 0),
        outcomes.raised(kind(retries=1), 1, RuntimeError("x"), 0),
        outcomes.cancelled(),
        outcomes.expired(),
        outcomes.handed_back(),
        outcomes.not_served("k", 1),
    ]
    for outcome in ends:
        assert outcome.state in TRANSITIONS[State.RUNNING]
        assert msgspec.json.decode("{" + outcome.data + "}", type=dict) is not None
        assert (outcome.field == "") == (outcome.value == "")
        if outcome.field:
            msgspec.json.decode(outcome.value)
