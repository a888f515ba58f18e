"""What a client gets of the store's replies: acks, records, refusals; the same over every transport."""

import msgspec
import structlog

from tidings.logging.log_limit import LogLimiter
from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.grants import GrantAct
from tidings.protocol.problems import Problem, ProblemError, problem, problem_error
from tidings.protocol.steps import MAX_SIGNAL_BYTES
from tidings.protocol.tokens import Token
from tidings.protocol.trace_context import accept_trace_context, trace_id_of
from tidings.store.answers import CancelAnswer, SignalAnswer, SubmitAnswer
from tidings.store.availability.store_errors import (
    ItemError,
    ScriptError,
    StoreError,
    StoreFullError,
    StoreUnconfirmedError,
)
from tidings.store.jobs.job_store import MAX_SIGNALS, JobRecord, SubmitReply
from tidings_server.auth.identity import Identity
from tidings_server.observability.error_boundary import unexpected_problem

_limited = LogLimiter(structlog.get_logger())

STORE_RETRY_S = 1.0
"""How long the server asks a client to wait when the store cannot be reached."""

RECORD_GONE = "unknown"
"""The status in the ack of a duplicate where the earlier job's record has left: its key is remembered longer."""

BACKLOG_RETRY_S = (1.0, 300.0)
"""The least and the most that the server asks a client to wait when a queue is full."""

DRAIN_UNKNOWN_S = 10.0
"""The wait where the queue's pace has not been measured, as with no worker."""

UNSERVED = "unserved"
"""How the service falls short for a job whose kind no worker serves: the job waits for a worker."""


def acknowledge(token: Token, answer: SubmitReply, ref: int | None = None, degraded: str = "") -> Ack:
    """Return the ack for the store's reply to a submission.

    Args:
        token: that of the new job.
        answer: the store's reply.
        ref: that of the frame; None: the submission came over HTTP.
        degraded: how the service falls short for a new job; empty: it does not.

    Raises:
        ProblemError: `key_reused` or `backlog_full`.

    """
    if answer.answer is SubmitAnswer.REUSED:
        raise problem_error("key_reused", "this key was used with another input; take another key", field="/key")
    if answer.answer is SubmitAnswer.BUSY:
        raise problem_error(
            "backlog_full",
            f"{answer.position} jobs wait before it, longer than its kind allows: try again later",
            retry_after=_drain_pause(answer.wait_ms),
        )
    if answer.answer is SubmitAnswer.HEAVY:
        raise _too_heavy(answer)
    if answer.answer is SubmitAnswer.OWING:
        raise problem_error(
            "backlog_full",
            f"{answer.position} deliveries to your webhooks are not over, as many as may be: see to the receivers",
            field="/webhook",
            limit=answer.seq,
        )
    if answer.answer in (SubmitAnswer.FULL, SubmitAnswer.CROWDED):
        whose = "jobs wait in this queue" if answer.answer is SubmitAnswer.FULL else "of your jobs are in this queue"
        raise problem_error(
            "backlog_full",
            f"{answer.position} {whose}; that is as many as may be: try again later",
            limit=answer.position,
            retry_after=_drain_pause(answer.wait_ms),
        )
    is_new = answer.answer is SubmitAnswer.NEW
    return Ack(
        ref=msgspec.UNSET if ref is None else ref,
        token=str(Token(token.partition, answer.id)),
        status=answer.state,
        seq=answer.seq,
        duplicate=answer.answer is SubmitAnswer.DUPLICATE,
        position=answer.position if is_new else None,
        # The time until a worker comes that serves the kind is unknown.
        eta=answer.wait_ms / 1000 if is_new and answer.wait_ms >= 0 and degraded != UNSERVED else None,
        degraded=answer.degraded or (degraded if is_new else "") or None,
    )


def _too_heavy(answer: SubmitReply) -> ProblemError:
    most = f"max_backlog_bytes_per_caller, {answer.seq} bytes"
    if not answer.position:
        detail = f"the input is larger than all of yours in this queue may be together ({most}): send a reference"
        return problem_error("too_large", detail, field="/input", limit=answer.seq)
    detail = (
        f"the inputs of your unfinished jobs in this queue have {answer.position} bytes, and would with this one have "
        f"more than may be ({most}): try again later, or send references"
    )
    return problem_error("backlog_full", detail, limit=answer.seq, retry_after=_drain_pause(answer.wait_ms))


def _drain_pause(wait_ms: int) -> float:
    least, most = BACKLOG_RETRY_S
    return DRAIN_UNKNOWN_S if wait_ms < 0 else min(max(wait_ms / 1000, least), most)


def require_visible(record: JobRecord, token: Token, identity: Identity) -> JobRecord:
    """Return a record if `identity` may see it: the one door to what the store knows of a job.

    The check follows the store's reply and is no part of it: the hub shares one reply among all listeners of a job in
    this process, and a stranger's watch must not end the owner's.

    Raises:
        ProblemError: `unknown_token`: there is no such job, or it is another's; `forbidden`: the grant that opens it
            does not allow to watch it.

    """
    if not record.state or not identity.may_see(token, record.owner, tags_of(record)):
        raise unknown_token(str(token))
    if identity.grants and not identity.permits("watch", token, record.owner, tags_of(record)):
        raise not_granted("watch")
    return record


def tags_of(record: JobRecord) -> tuple[str, ...]:
    """Return the tags of a job."""
    return tuple(record.tags.split())


def not_granted(act: GrantAct) -> ProblemError:
    """Return the refusal of an act by the bearer of a grant that opens the job, and does not allow the act."""
    return problem_error("forbidden", f"the grant does not allow {act!r}", field="/grant")


def owner_filter(identity: Identity) -> str:
    """Return the owner whose jobs a script may touch for `identity`, which bears no grant; empty: any owner."""
    assert identity.admin or identity.owner
    return "" if identity.admin else identity.owner


def unknown_token(text: str, field: str = "/token") -> ProblemError:
    """Return the refusal of a token; the same for one that never was, has gone, or is another owner's."""
    return problem_error(
        "unknown_token",
        f"there is no job {text[:100]!r}; results are kept for a limited time",
        field=field,
    )


def cancel_problem(token: str, answer: CancelAnswer) -> Problem | None:
    """Return why a job cannot be cancelled, if so."""
    if answer is CancelAnswer.UNKNOWN:
        return unknown_token(token).problem
    if answer is CancelAnswer.FINISHED:
        return problem("already_finished", "the job had finished before it could be cancelled")
    return None


def signal_text(value: bytes | msgspec.Raw) -> str:
    """Return the value that a signal carries, as JSON text.

    Raises:
        ProblemError: `too_large`, or `invalid_frame`: it is no JSON that a worker could read.

    """
    if memoryview(value).nbytes > MAX_SIGNAL_BYTES:
        raise ProblemError(_signal_too_large())
    try:
        msgspec.json.decode(value)
        return bytes(value).decode()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise problem_error("invalid_frame", f"not JSON: {error}", field="/input") from error


def signal_problem(token: str, answer: SignalAnswer) -> Problem | None:
    """Return why a job does not get a signal, if so."""
    if answer is SignalAnswer.UNKNOWN:
        return unknown_token(token).problem
    if answer is SignalAnswer.FINISHED:
        return problem("already_finished", "the job has finished, or undoes what it did: nothing waits for a signal")
    if answer is SignalAnswer.TOO_LARGE:
        return _signal_too_large()
    if answer is SignalAnswer.FULL:
        detail = f"the job has had {MAX_SIGNALS} signals, or its journal is full; send no more to it"
        return problem("too_large", detail, limit=MAX_SIGNALS)
    return None


def _signal_too_large() -> Problem:
    detail = f"what a signal says may have {MAX_SIGNAL_BYTES} bytes as JSON: send a reference"
    return problem("too_large", detail, field="/input", limit=MAX_SIGNAL_BYTES)


def trace_id_of_submission(submission: Submission) -> str:
    """Return the id of the trace that a submission belongs to; empty: it belongs to none that can be used."""
    return trace_id_of(accept_trace_context(submission.traceparent, None)[0]) if submission.traceparent else ""


def with_trace_id(problem: Problem, submission: Submission) -> Problem:
    """Return the problem of a submission that is refused, with the id of its trace, if it has one."""
    traceparent, _ = accept_trace_context(submission.traceparent, None)
    return msgspec.structs.replace(problem, trace_id=trace_id_of(traceparent)) if traceparent else problem


def store_problem(error: BaseException) -> Problem:
    """Return what a client gets for an error of the store; the cause stays in the server's log.

    The store's client has logged once that the store is lost or full; it is not logged for each of our clients.
    """
    if isinstance(error, ItemError):
        _limited.error("item_failed", cause=str(error).partition(":")[0], error=str(error))
        return problem("internal_error", "what the store holds of this job cannot be used; it has been logged")
    if isinstance(error, StoreUnconfirmedError):
        # Not "try again": without a key that would be another job beside the one which may run.
        detail = (
            "it is done, and too few replicas of the store said in time that they have it: a failover may undo it. "
            "Send the same again with the same idempotency key, which makes nothing twice; without a key it would be "
            "another"
        )
        return problem("unconfirmed", detail, retry_after=STORE_RETRY_S)
    if isinstance(error, StoreFullError):
        detail = "the store has no memory left; nothing was written"
    elif isinstance(error, StoreError):
        detail = "the store cannot be reached; nothing is known to have been written"
    else:
        return unexpected_problem("store", error)
    if isinstance(error, ScriptError):
        _limited.error("script_failed", error=str(error))
    return problem("store_unavailable", detail, retry_after=STORE_RETRY_S)
