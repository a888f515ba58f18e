"""How an attempt ends: what a handler did, as the outcome that is written. Pure."""

import traceback
from typing import Any

import msgspec

from tidings.backoff import backoff
from tidings.broker.worker import Outcome
from tidings.contract.problem import Problem, problem
from tidings.contract.state import State
from tidings.job import Job
from tidings.outcome import Reject, Retry
from tidings.policy import Policy

MAX_TRACEBACK = 16_384
"""Characters of a traceback kept with a dead letter."""

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


def raised(job: Job[Any, Any], attempt: int, error: BaseException, draw: float) -> Outcome:
    """The handler raised: retry if the job says so and attempts are left, else fail.

    Args:
        job: the kind, for its policy.
        attempt: the attempt that ended so, from 1.
        error: what it raised.
        draw: a random number in [0, 1), for the back-off.

    """
    if isinstance(error, Reject):
        extra = [{"code": error.code, "data": error.data}] if error.code != "rejected" or error.data else None
        return failed(problem("rejected", error.message or "the work was rejected", errors=extra), error)
    refused = _explain(job, attempt, error)
    if attempt > job.policy.retries or not may_be_retried(job.policy, error):
        return failed(refused, error)
    after = error.after if isinstance(error, Retry) and error.after is not None else retry_pause(attempt, draw)
    text, tail = _encode(refused).decode(), _retrying(attempt, after, refused)
    return Outcome(State.SCHEDULED, "problem", text, tail, delay_ms=int(after * 1000))


def may_be_retried(policy: Policy, error: BaseException) -> bool:
    """Return whether an attempt that ended so is repeated, as far as the kind of error goes."""
    if isinstance(error, Retry | AttemptTimeoutError):
        return True
    return isinstance(error, policy.retry_on) and not isinstance(error, policy.no_retry_on)


def retry_pause(attempt: int, draw: float) -> float:
    """Return the seconds until a failed attempt is repeated, where nobody knows better."""
    return backoff(attempt, draw, first_s=RETRY_S[0], longest_s=RETRY_S[1])


def timed_out(job: Job[Any, Any], attempt: int, seconds: float, draw: float) -> Outcome:
    """The attempt took longer than it may: like an exception, with its own code."""
    return raised(job, attempt, AttemptTimeoutError(seconds), draw)


class AttemptTimeoutError(Exception):
    """An attempt took longer than its kind allows."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the attempt took longer than {seconds:g} s")


def _explain(job: Job[Any, Any], attempt: int, error: BaseException) -> Problem:
    if isinstance(error, AttemptTimeoutError):
        detail, code = (
            f"an attempt of {job.kind} may take {error.seconds:g} s; this one took longer",
            "timeout",
        )
    elif isinstance(error, Retry):
        detail, code = error.message or "the handler asked for another try", "handler_error"
    elif job.policy.expose_errors:
        detail, code = f"{type(error).__name__}: {error}", "handler_error"
    else:
        detail, code = "the handler raised an error; its text is in the worker's log", "handler_error"
    if attempt > job.policy.retries > 0:
        return problem("attempts_exhausted", f"{attempt} attempts failed; the last: {detail}")
    return problem(code, detail)


def _note(error: BaseException | None) -> str:
    if error is None:
        return ""
    trace = "".join(traceback.format_exception(error))
    return _encode({"error": f"{type(error).__name__}: {error}", "traceback": trace[-MAX_TRACEBACK:]}).decode()


def _retrying(attempt: int, after: float, refused: Problem) -> str:
    data = _encode({"attempt": attempt, "after": round(after, 3), "problem": refused}).decode()
    return _tail("retrying", State.SCHEDULED, data)


def _tail(event: str, status: State, data: str) -> str:
    return f'"event":"{event}","status":"{status}","data":{data}}}'
