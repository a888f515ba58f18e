"""The outcome of an attempt, made from what its handler did or from why it stopped. Pure."""

import math
from typing import Any

import msgspec

from tidings.backoff import backoff
from tidings.declare.job import Job
from tidings.declare.policy import Policy
from tidings.errors import Reject, Retry
from tidings.protocol.problems import Problem, problem
from tidings.protocol.states import TERMINAL, State
from tidings.saga.step_errors import StepError
from tidings.store.answers import ReportAnswer
from tidings.store.attempts.attempt_store import AttemptOutcome, Unserved
from tidings.store.redis.encoding.script_arguments import text_of

from .error_text import error_name, rejection_fields, safe_text, traceback_of
from .errors import AttemptTimeoutError, FinalError, ProcessEndedError, may_be_retried, requested_delay_s

RETRY_DELAYS_S = (0.5, 300.0)
"""Longest pause before the second attempt, and before any."""

_encode = msgspec.json.Encoder().encode


def succeeded(result: bytes) -> AttemptOutcome:
    """Return the outcome of a handler that returned; `result` is JSON."""
    text = text_of(result)
    if isinstance(text, str):
        return AttemptOutcome(State.SUCCEEDED, "result", text)
    return AttemptOutcome(State.SUCCEEDED, "result", large=text)


def failed(refused: Problem, error: BaseException | None = None) -> AttemptOutcome:
    """Return the outcome of a job that failed for good."""
    return AttemptOutcome(State.FAILED, "problem", _encode(refused).decode(), note=_note_of_error(error))


def unreadable_record() -> Problem:
    """Return the problem of a job whose record cannot be read: another attempt would read the same record."""
    return problem("internal_error", "what the store holds of this job cannot be read; submit the work again")


def cancelled() -> AttemptOutcome:
    """Return the outcome of an attempt that a client or an operator cancelled."""
    return AttemptOutcome(State.CANCELLED)


def expired() -> AttemptOutcome:
    """Return the outcome of a job whose deadline passed while it ran."""
    return AttemptOutcome(State.EXPIRED)


def handed_back() -> AttemptOutcome:
    """Return the outcome of an attempt whose worker leaves; the attempt does not count."""
    return AttemptOutcome(State.QUEUED, uncounted=1)


def waiting(delay_ms: int, woken: int, awaits: str) -> AttemptOutcome:
    """Return the outcome of a saga that waits for something outside, without a worker; the attempt does not count.

    Args:
        delay_ms: until its timer comes; -1: it has none.
        woken: how often it had been woken when it last looked.
        awaits: the signals it waits for, each between spaces.

    """
    return AttemptOutcome(State.WAITING, delay_ms=delay_ms, uncounted=1, woken=woken, awaits=awaits)


def held(refused: Problem, code: str) -> AttemptOutcome:
    """Return the outcome of a saga that waits because the code of its handler does not fit it.

    Args:
        refused: what does not fit.
        code: the digest of that code.

    """
    return AttemptOutcome(State.WAITING, "held", _encode(refused).decode(), delay_ms=-1, uncounted=1, code=code)


def unwound(state: State, refused: Problem, *, compensation: str, error: BaseException | None = None) -> AttemptOutcome:
    """Return the outcome of a saga that has undone what it could.

    Args:
        state: the state in which the job ends, which made the saga undo its work.
        refused: the problem that caused it.
        compensation: `complete` or `incomplete`; empty: there was nothing to undo after all.
        error: what kept it from undoing the rest, if anything did.

    """
    if compensation:
        amended = msgspec.structs.replace(refused, compensation=compensation)
        return msgspec.structs.replace(failed(amended, error), compensation=compensation)
    return cancelled() if state is State.CANCELLED else expired() if state is State.EXPIRED else failed(refused)


def step_failed(error: StepError) -> AttemptOutcome:
    """Return the outcome of a saga whose handler let the error of a failed step pass."""
    found = {"step": error.name, "path": error.path, "detail": error.problem.detail}
    detail = f"step {error.path} ({error.name}) failed: {error.problem.detail}"
    # Whether a child has undone its work concerns the child: this saga has its own work to undo.
    amended = msgspec.structs.replace(
        error.problem, detail=detail, errors=[found, *(error.problem.errors or ())], compensation=None
    )
    return failed(amended, error.__cause__ or error)


def step_failure(
    job: Job[Any, Any], policy: Policy, error: BaseException, failures: int, draw: float
) -> tuple[Problem, float | None]:
    """Return why a call of a step failed, and the seconds after which it is repeated; None: it is not.

    Args:
        job: the saga, whose clients may see the text of errors or not.
        policy: of the step.
        error: what it raised.
        failures: how often it has failed, with this time.
        draw: a random number in [0, 1), for the back-off.

    """
    if isinstance(error, FinalError):
        return error.problem, None
    if isinstance(error, Reject):
        return _rejected(error), None
    refused = _explain(job.kind, policy.retries, error, failures, expose=bool(job.policy.expose_errors))
    if failures > policy.retries or not may_be_retried(policy, error):
        return refused, None
    asked = requested_delay_s(error)
    return refused, retry_delay_s(failures, draw) if asked is None else asked


def parked_for_breaker(attempt: int, breaker: str, after: float) -> AttemptOutcome:
    """Return the outcome of a job that waits until an open breaker has closed; the attempt does not count."""
    detail = f"the breaker {breaker} is open: a service that this work calls is failing; it runs when that is over"
    refused = problem("circuit_open", detail, retry_after=round(after, 3))
    data = _members({"attempt": attempt, "after": round(after, 3), "problem": refused})
    return AttemptOutcome(
        State.SCHEDULED, event="retrying", data=data, delay_ms=math.ceil(after * 1000), uncounted=1, held=breaker
    )


def refused_by_breaker(breaker: str, after: float) -> AttemptOutcome:
    """Return the outcome of a job that fails rather than wait for an open breaker."""
    return failed(circuit_open_problem(breaker, after))


def circuit_open_problem(breaker: str, after: float) -> Problem:
    """Return the problem of work that a breaker keeps out, and that does not wait."""
    detail = f"the breaker {breaker} is open: a service that this work calls is failing"
    return problem("circuit_open", detail, retry_after=round(after, 3))


def not_served(kind: str, version: int) -> AttemptOutcome:
    """Return how a job goes on that a worker took and does not serve: it stays queued, and the attempt does not count.

    Args:
        kind: of the job.
        version: of the kind.

    """
    wanted = kind if version == 1 else f"{kind} in version {version}"
    data = _members({"waits_for": f"a worker that serves {wanted}"})
    return AttemptOutcome(State.QUEUED, data=data, uncounted=1, unserved=Unserved(kind, version))


def raised(job: Job[Any, Any], attempt: int, error: BaseException, draw: float, lost: int = 0) -> AttemptOutcome:
    """Return the outcome of a handler that raised: a retry if the policy allows one and attempts are left, else failed.

    Args:
        job: the kind, for its policy.
        attempt: the attempt that ended so, from 1.
        error: what it raised.
        draw: a random number in [0, 1), for the back-off.
        lost: how many of the attempts ended because their worker was lost; those are not the handler's failures.

    """
    if isinstance(error, StepError):
        return step_failed(error)
    if isinstance(error, FinalError):
        return failed(error.problem, error.__cause__)
    if isinstance(error, Reject):
        return failed(_rejected(error), error)
    failures = attempt - lost
    refused = _explain(job.kind, job.policy.retries, error, failures, expose=bool(job.policy.expose_errors))
    if failures > job.policy.retries or not may_be_retried(job.policy, error):
        return failed(refused, error)
    asked = requested_delay_s(error)
    after = retry_delay_s(failures, draw) if asked is None else asked
    data = _members({"attempt": attempt, "after": round(after, 3)})
    return AttemptOutcome(
        State.SCHEDULED, "problem", _encode(refused).decode(), "retrying", data, delay_ms=int(after * 1000)
    )


def label_of(outcome: AttemptOutcome, answer: ReportAnswer) -> str:
    """Return how an attempt ended, as a label of metrics: the job's state if it is terminal; empty: it was lost.

    Args:
        outcome: what was reported.
        answer: the store's answer to the report.

    """
    if answer == ReportAnswer.LOST:
        return ""
    if answer == ReportAnswer.TURNED:
        return "unwinding"
    if outcome.state in TERMINAL or answer == ReportAnswer.CANCEL:
        return outcome.state.value if outcome.state in TERMINAL else State.CANCELLED.value
    if outcome.state is State.SCHEDULED:
        return "held" if outcome.held else "retrying"
    if outcome.state is State.QUEUED:
        return "handed_back"
    return "diverged" if outcome.code else outcome.state.value


def add_trace_id(outcome: AttemptOutcome, trace_id: str) -> AttemptOutcome:
    """Return an outcome whose problem says to which trace it belongs."""
    return msgspec.structs.replace(outcome, value=f'{outcome.value[:-1]},"trace_id":"{trace_id}"}}')


def retry_delay_s(attempt: int, draw: float) -> float:
    """Return the seconds until a failed attempt is repeated, if its error asks for no other time."""
    return backoff(attempt, draw, first_s=RETRY_DELAYS_S[0], longest_s=RETRY_DELAYS_S[1])


def timed_out(job: Job[Any, Any], attempt: int, seconds: float, draw: float, lost: int = 0) -> AttemptOutcome:
    """Return the outcome of an attempt that took longer than it may: like that of an error, with its own code."""
    return raised(job, attempt, AttemptTimeoutError(seconds), draw, lost)


def _rejected(error: Reject) -> Problem:
    message, code, data, omitted = rejection_fields(error)
    extra: dict[str, Any] = {"code": code}
    if omitted:
        extra["data_omitted"] = omitted
    else:
        extra["data"] = msgspec.Raw(data or b"null")
    says_more = code != "rejected" or data or omitted
    return problem("rejected", message or "the work was rejected", errors=[extra] if says_more else None)


def _explain(kind: str, retries: int, error: BaseException, failures: int, *, expose: bool) -> Problem:
    if isinstance(error, AttemptTimeoutError):
        detail = f"an attempt of {kind} may take {error.seconds:g} s; this one took longer"
        code = "timeout"
    elif isinstance(error, Retry):
        detail = safe_text(getattr(error, "message", "")) or "the handler asked for another try"
        code = "handler_error"
    elif isinstance(error, ProcessEndedError):
        detail, code = str(error), "handler_error"
    elif expose:
        detail, code = f"{error_name(error)}: {safe_text(error)}", "handler_error"
    else:
        detail, code = "the handler raised an error; its text is in the worker's log", "handler_error"
    # A handler that raises `Retry` calls its attempt failed, also where the policy gives it only one attempt.
    if failures > retries and (retries > 0 or isinstance(error, Retry)):
        attempts = "1 attempt" if failures == 1 else f"{failures} attempts"
        return problem("attempts_exhausted", f"{attempts} failed; the last: {detail}")
    return problem(code, detail)


def _note_of_error(error: BaseException | None) -> str:
    if error is None:
        return ""
    return dead_letter_note(f"{error_name(error)}: {safe_text(error)}", traceback_of(error))


def dead_letter_note(error: str, trace: str) -> str:
    """Return what a dead letter keeps for operators: JSON text."""
    return _encode({"error": error, "traceback": trace}).decode()


def _members(data: dict[str, Any]) -> str:
    """Return what stands between the braces of an object as JSON."""
    return _encode(data).decode()[1:-1]
