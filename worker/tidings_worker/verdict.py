"""How an attempt ends: what a handler did, as the outcome that is written. Pure."""

from typing import Any

import msgspec

from tidings.backoff import backoff
from tidings.broker.worker import Outcome
from tidings.contract.problem import Problem, problem
from tidings.contract.state import State
from tidings.job import Job
from tidings.outcome import Reject, Retry

from .failure import (
    AttemptTimeoutError,
    FinalError,
    ProcessEndedError,
    may_be_retried,
    name_of,
    pause_of,
    readable,
    rejection_of,
    trace_of,
)

RETRY_S = (0.5, 300.0)
"""Longest pause before the second attempt, and before any."""

UNKNOWN_KIND_DELAY_S = 1.0

_encode = msgspec.json.Encoder().encode


def succeeded(result: bytes) -> Outcome:
    """The handler returned; `result` is JSON."""
    text = result.decode()
    return Outcome(State.SUCCEEDED, "result", text, _tail("succeeded", State.SUCCEEDED, f'{{"result":{text}}}'))


def failed(refused: Problem, error: BaseException | None = None) -> Outcome:
    """The job is over, without a result."""
    text = _encode(refused).decode()
    tail = _tail("failed", State.FAILED, f'{{"problem":{text}}}')
    return Outcome(State.FAILED, "problem", text, tail, note=_note(error))


def cancelled() -> Outcome:
    """Someone asked, and the handler has stopped."""
    return Outcome(State.CANCELLED, "", "", _tail("cancelled", State.CANCELLED, "{}"))


def expired() -> Outcome:
    """The job's deadline passed while it ran."""
    return Outcome(State.EXPIRED, "", "", _tail("expired", State.EXPIRED, "{}"))


def handed_back() -> Outcome:
    """The worker leaves; the attempt does not count."""
    return Outcome(State.QUEUED, "", "", _tail("queued", State.QUEUED, "{}"), uncounted=1)


def not_served(kind: str, attempt: int) -> Outcome:
    """This worker does not serve the kind; another may, a little later. The attempt does not count."""
    refused = problem("unknown_kind", f"the worker that took this does not serve {kind}; another may")
    delay = UNKNOWN_KIND_DELAY_S
    return Outcome(State.SCHEDULED, "", "", _retrying(attempt, delay, refused), delay_ms=int(delay * 1000), uncounted=1)


def raised(job: Job[Any, Any], attempt: int, error: BaseException, draw: float, lost: int = 0) -> Outcome:
    """The handler raised: retry if the job says so and attempts are left, else fail.

    Args:
        job: the kind, for its policy.
        attempt: the attempt that ended so, from 1.
        error: what it raised.
        draw: a random number in [0, 1), for the back-off.
        lost: how many of the attempts ended because their worker was lost; those are not the handler's failures.

    """
    if isinstance(error, FinalError):
        return failed(error.problem, error.__cause__)
    if isinstance(error, Reject):
        message, code, data = rejection_of(error)
        extra = [{"code": code, "data": msgspec.Raw(data or b"null")}] if code != "rejected" or data else None
        return failed(problem("rejected", message or "the work was rejected", errors=extra), error)
    failures = attempt - lost
    refused = _explain(job, failures, error)
    if failures > job.policy.retries or not may_be_retried(job.policy, error):
        return failed(refused, error)
    asked = pause_of(error)
    after = retry_pause(failures, draw) if asked is None else asked
    text, tail = _encode(refused).decode(), _retrying(attempt, after, refused)
    return Outcome(State.SCHEDULED, "problem", text, tail, delay_ms=int(after * 1000))


def retry_pause(attempt: int, draw: float) -> float:
    """Return the seconds until a failed attempt is repeated, where nobody knows better."""
    return backoff(attempt, draw, first_s=RETRY_S[0], longest_s=RETRY_S[1])


def timed_out(job: Job[Any, Any], attempt: int, seconds: float, draw: float, lost: int = 0) -> Outcome:
    """The attempt took longer than it may: like an exception, with its own code."""
    return raised(job, attempt, AttemptTimeoutError(seconds), draw, lost)


def _explain(job: Job[Any, Any], failures: int, error: BaseException) -> Problem:
    if isinstance(error, AttemptTimeoutError):
        detail, code = (
            f"an attempt of {job.kind} may take {error.seconds:g} s; this one took longer",
            "timeout",
        )
    elif isinstance(error, Retry):
        detail = readable(getattr(error, "message", "")) or "the handler asked for another try"
        code = "handler_error"
    elif isinstance(error, ProcessEndedError):
        detail, code = str(error), "handler_error"
    elif job.policy.expose_errors:
        detail, code = f"{name_of(error)}: {readable(error)}", "handler_error"
    else:
        detail, code = "the handler raised an error; its text is in the worker's log", "handler_error"
    if failures > job.policy.retries > 0:
        return problem("attempts_exhausted", f"{failures} attempts failed; the last: {detail}")
    return problem(code, detail)


def _note(error: BaseException | None) -> str:
    if error is None:
        return ""
    return _encode({"error": f"{name_of(error)}: {readable(error)}", "traceback": trace_of(error)}).decode()


def _retrying(attempt: int, after: float, refused: Problem) -> str:
    data = _encode({"attempt": attempt, "after": round(after, 3), "problem": refused}).decode()
    return _tail("retrying", State.SCHEDULED, data)


def _tail(event: str, status: State, data: str) -> str:
    return f'"event":"{event}","status":"{status}","data":{data}}}'
