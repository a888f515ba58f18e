"""Jobs that handlers of events submit: each once, however often its event comes."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tidings.consumer.consumed_event import ConsumedEvent
from tidings.protocol.problems import ProblemError, problem
from tidings.protocol.tokens import Token, new_token
from tidings.schema.codec import encode
from tidings.store.jobs.job_builder import JobRequest, build_job
from tidings.store.jobs.job_store import JobStore
from tidings.store.jobs.queueing_terms import KindTerms
from tidings_worker.saga.children import KindDirectory

_PART = re.compile(r"[!-~]{0,60}")

_REFUSED = {
    "full": ("backlog_full", "the queue of {kind} is full"),
    "busy": ("backlog_full", "a job of {kind} would wait longer than the kind allows"),
    "stale": ("store_unavailable", "a client has used this event's key, and another partition of the queue has it"),
    "reused": (
        "key_reused",
        "another input was submitted for this event before; give each job of one event its own part",
    ),
}


class EventSubmitter:
    """Submits further jobs."""

    def __init__(self, jobs: JobStore, kinds: KindDirectory) -> None:
        self._jobs = jobs
        self._kinds = kinds

    async def submit(self, event: ConsumedEvent, kind: str, value: Mapping[str, Any], part: str) -> str:
        """Submit a job, and return its token.

        Raises:
            ProblemError: the store cannot take it as it is, or not now.
            StoreError: the store is unavailable.

        """
        if not _PART.fullmatch(part):
            raise ProblemError(
                problem("invalid_input", f"part is {part[:80]!r}; it takes up to 60 visible ASCII characters")
            )
        record = await self._kinds.find(kind)
        if record is None:
            raise ProblemError(problem("unknown_kind", f"no worker has registered the kind {kind[:150]!r}"))
        terms = KindTerms(record)
        text = _encode(value)
        request = JobRequest(
            id=new_token(record.queue).id,
            input=msgspec.Raw(text),
            owner=event.owner,
            correlation_id=event.correlation_id,
            key=f"event:{event.idempotency_key}:{part}",
            deduplicates=True,
        )
        answer = await self._jobs.submit(record.queue, build_job(terms, request, msgspec.json.decode(text)))
        if answer.answer in _REFUSED:
            code, detail = _REFUSED[answer.answer]
            raise ProblemError(problem(code, detail.format(kind=kind)))
        return str(Token(record.queue, answer.id))


def _encode(value: Mapping[str, Any]) -> bytes:
    try:
        return encode(dict(value))
    except TypeError as error:
        raise ProblemError(problem("invalid_input", f"the input of the job: {error}")) from None
