"""A job as operators see it: all that the store holds of it."""

from typing import Any

import msgspec

from tidings.protocol.frames.admin_messages import JobDetail, PastAttempt
from tidings.protocol.timestamps import rfc3339
from tidings.protocol.tokens import Token
from tidings.store.admin.dead_letter import DeadLetter, UnsuccessfulAttempt
from tidings.store.admin.job_detail import JobInternals
from tidings.store.jobs.job_store import JobRecord
from tidings_server.watch.snapshots import snapshot


def detail(token: Token, record: JobRecord, found: JobInternals, after: int = 0) -> JobDetail:
    """Return the view of a job.

    Args:
        token: the job's token.
        record: the fields that its owner may see.
        found: the fields that only operators may see.
        after: the number of the last event that the client has seen: log and streams begin after it.

    """
    letter, envelope = found.letter, found.envelope
    given: dict[str, Any] = msgspec.structs.asdict(snapshot(str(token), record, after))
    return JobDetail(
        **given,
        queue=token.partition,
        tier=found.tier,
        owner=record.owner,
        caller=found.caller,
        worker=found.worker or None,
        entry=found.entry or None,
        due=None if found.due is None else rfc3339(found.due),
        deadline=rfc3339(int(found.deadline)) if found.deadline else None,
        cancel_asked=found.cancel_asked,
        input=_input(envelope.input if envelope is not None else None, letter),
        error=letter.error if letter is not None else "",
        traceback=letter.traceback if letter is not None else "",
        history=[past_attempt(one) for one in found.history or (letter.history if letter is not None else [])],
        letter=letter.entry if letter is not None else None,
        parent=found.parent or None,
    )


def past_attempt(one: UnsuccessfulAttempt) -> PastAttempt:
    """Return an attempt that did not succeed, as operators see it."""
    problem = None if one.problem is None else msgspec.to_builtins(one.problem)
    return PastAttempt(attempt=one.attempt, at=rfc3339(one.at), worker=one.worker, event=one.event, problem=problem)


def _input(queued: msgspec.Raw | None, letter: DeadLetter | None) -> Any:
    if queued is not None:
        return queued
    return letter.input if letter is not None else msgspec.UNSET
