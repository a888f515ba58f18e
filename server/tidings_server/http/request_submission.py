"""Submitting for an HTTP request: counted for its caller, awaited, measured."""

import time
from collections.abc import Callable
from typing import TypeVar

from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import NewJob
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import trace_id_of_submission, with_trace_id
from tidings_server.jobs.job_service import SubmittedJob
from tidings_server.jobs.quotas import quota_key_of
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.job_listener import JobListener

Listener = TypeVar("Listener", bound=JobListener)


async def submit_request(
    runtime: ServerRuntime,
    submission: Submission,
    identity: Identity,
    caller: str,
    listen: Callable[[Token], Listener] | None = None,
) -> tuple[Ack, Listener | None]:
    """Return the ack of a submission, and the listener of the new job; see `begin_submission`.

    Args:
        runtime: the server.
        submission: what is asked for; its `watch` means nothing over HTTP.
        identity: who asks.
        caller: whose jobs it counts among (`caller_of`).
        listen: makes the listener of the new job; None: the request does not wait for the job.

    Raises:
        ProblemError: the submission is refused.

    """
    began = time.monotonic()
    submitted = begin_submission(runtime, submission, identity, caller, began, listen)
    listener = submitted.listener
    try:
        ack = await submitted.ack
    except BaseException:  # a request that is cancelled leaves no listener behind
        if listener is not None:
            runtime.hub.leave(listener)
        raise
    observe_ack(runtime, submission, submitted.job, began)
    return ack, listener


def begin_submission(
    runtime: ServerRuntime,
    submission: Submission,
    identity: Identity,
    caller: str,
    now: float,
    listen: Callable[[Token], Listener] | None = None,
) -> SubmittedJob[Listener]:
    """Count a submission for its caller, and ask the store to accept it.

    Args:
        runtime: the server.
        submission: what is asked for; its `watch` means nothing over HTTP.
        identity: who asks.
        caller: whose jobs it counts among (`caller_of`).
        now: by the monotonic clock, s.
        listen: makes the listener of the new job; None: the request does not wait for the job.

    Raises:
        ProblemError: the submission is refused.

    """
    try:
        runtime.quotas.of(quota_key_of(identity, caller), now).submit(now)
    except ProblemError as error:
        raise ProblemError(with_trace_id(error.problem, submission)) from error
    return runtime.jobs.submit(submission, identity, caller, listen)


def observe_ack(runtime: ServerRuntime, submission: Submission, job: NewJob, began: float) -> None:
    """Measure how long a client waited for its ack.

    Args:
        runtime: the server.
        submission: what the client asked for.
        job: what came of it.
        began: when it was asked for, by the monotonic clock, s.

    """
    acks = runtime.meter.ack.of(job.kind, job.tier)
    acks.observe(time.monotonic() - began, trace_id_of_submission(submission))
