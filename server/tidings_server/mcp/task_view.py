"""A job's record as a task, and as the result of a tool's call. Pure."""

from typing import Any

import msgspec

from tidings.protocol.problems import Problem
from tidings.protocol.states import State
from tidings.protocol.timestamps import MILESTONES, rfc3339
from tidings.store.jobs.job_store import JobRecord
from tidings_server.watch.snapshots import is_final

from .open_questions import open_questions
from .tool_schema import ResultForm, structured

MAX_MESSAGE = 1_000
"""Characters of a task's `statusMessage`."""

_STATES = {
    State.SCHEDULED: "waits for its time",
    State.QUEUED: "waits in the queue",
    State.RUNNING: "runs",
    State.WAITING: "waits for a time, a signal or another job",
    State.SUCCEEDED: "succeeded",
    State.CANCELLED: "cancelled",
}

_problem = msgspec.json.Decoder(Problem).decode


class _Progress(msgspec.Struct):
    fraction: float | None = None
    message: str | None = None


_progress = msgspec.json.Decoder(_Progress).decode


def created_task(token: str, record: JobRecord, poll_s: float) -> dict[str, Any]:
    """Return the answer to a call that goes on as a task."""
    status = "input_required" if open_questions(record) else "working"
    return {"resultType": "task", **_task(token, record, status, None, poll_s)}


def task(token: str, record: JobRecord, shape: ResultForm, result_ttl_s: float, poll_s: float) -> dict[str, Any]:
    """Return a task with what its status has beside: its questions, or its result.

    A job that failed is a task that completed with an error: `failed` is for errors of the protocol alone.

    Args:
        token: the job's, which is the task's id.
        record: the job.
        shape: how results of its kind are shown.
        result_ttl_s: how long a job is kept after its end, s.
        poll_s: how long the client shall wait between two looks, s.

    """
    if record.state == State.CANCELLED:
        return _task(token, record, "cancelled", result_ttl_s, poll_s)
    if is_final(record):
        return {**_task(token, record, "completed", result_ttl_s, poll_s), "result": call_result(record, shape)}
    questions = open_questions(record)
    if questions:
        requests = {key: question.request(record.kind) for key, question in questions.items()}
        return {**_task(token, record, "input_required", None, poll_s), "inputRequests": requests}
    return _task(token, record, "working", None, poll_s)


def call_result(record: JobRecord, shape: ResultForm) -> dict[str, Any]:
    """Return the result of a call whose job has ended."""
    if record.state == State.SUCCEEDED:
        value = msgspec.json.decode(record.result_json or b"null")
        text = value if isinstance(value, str) else (record.result_json or b"null").decode()
        content = structured(value, shape)
        found: dict[str, Any] = {"resultType": "complete", "content": [_text(text)], "isError": False}
        return found if content is None else {**found, "structuredContent": content}
    if record.problem:
        return error_result(_problem(record.problem))
    return {"resultType": "complete", "content": [_text(f"the job was {record.state}")], "isError": True}


def error_result(problem: Problem) -> dict[str, Any]:
    """Return the result of a call that failed: a text that says why, which a model can act on."""
    lines = [f"{problem.code}: {problem.detail}"]
    if problem.errors:
        lines += [f"{one.get('field', '')}: {one.get('detail', '')}" for one in problem.errors]
    elif problem.field:
        lines.append(f"at {problem.field}")
    return {"resultType": "complete", "content": [_text("\n".join(lines))], "isError": True}


def status_message(record: JobRecord) -> str:
    """Return what a job does, or how it ended, in a few words: its newest progress, if there is any."""
    if record.problem:
        return _problem(record.problem).detail[:MAX_MESSAGE]
    if is_final(record):
        return _STATES[State(record.state)]
    if not record.progress:
        return _STATES[State(record.state)]
    return progress_message(record.progress) or _STATES[State(record.state)]


def progress_message(text: str) -> str:
    """Return a progress report, JSON text, in words; empty: it has none."""
    found = _progress(text)
    percent = "" if found.fraction is None else f"{found.fraction * 100:.0f} %"
    if not found.message:
        return percent
    return (f"{found.message} ({percent})" if percent else found.message)[:MAX_MESSAGE]


def progress_fraction(text: str) -> float | None:
    """Return the fraction in a progress report, JSON text; None: it has none."""
    return _progress(text).fraction


def _task(token: str, record: JobRecord, status: str, ttl_s: float | None, poll_s: float) -> dict[str, Any]:
    """Return what every task has.

    Args:
        token: the job's.
        record: the job.
        status: the task's.
        ttl_s: how long the job is kept after its end, s; None: it has not ended, and is kept as long as it lives.
        poll_s: see `task`.

    """
    moments = [at for name in MILESTONES if (at := getattr(record, name)) is not None]
    created = record.submitted or min(moments, default=0)
    changed = max([created, *moments, *(at for _, at, _ in record.chunks)])
    ended = record.finished if ttl_s is not None else None
    return {
        "taskId": token,
        "status": status,
        "statusMessage": status_message(record),
        "createdAt": rfc3339(created),
        "lastUpdatedAt": rfc3339(changed),
        "ttlMs": None if ended is None or ttl_s is None else ended - created + int(ttl_s * 1000),
        "pollIntervalMs": int(poll_s * 1000),
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
