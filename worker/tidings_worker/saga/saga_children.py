"""The children of one saga, as one attempt submits and stops them."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from tidings.protocol.frames.envelope import Envelope
from tidings.protocol.kinds.kind_record import KindRecord
from tidings.protocol.tokens import Token
from tidings.tracing.spans import Span, Tracing, job_attributes
from tidings_worker.until_answered import AttemptAsker, until_answered

from .children import Children, NewChild
from .journal import child_id
from .journal_client import JournalClient, JournalHost

Answer = TypeVar("Answer")

MAX_DEPTH = 32
"""How many sagas may stand above a job."""

UNIQUE_RETRY_MS = 2_000
"""The worker submits a child, or the job that undoes one, again after this where another job holds its unique value."""

UNDO_SUFFIX = "u"
"""Stands at the end of a step's path in the name of a child that undoes the step; `wake.lua` reads it."""


class SagaChildren:
    """Submits and stops the children of one saga; it asks the store until that answers, or the attempt is over."""

    def __init__(
        self,
        host: JournalHost,
        children: Children,
        journal_client: JournalClient,
        envelope: Envelope,
        tracing: Tracing | None,
        *,
        unwinding: bool,
    ) -> None:
        """Prepare.

        Args:
            host: the attempt.
            children: those of the worker.
            journal_client: knows the saga's tenant, deadline and the keys of its steps.
            envelope: the saga's.
            tracing: where the worker traces; None: it does not.
            unwinding: whether the saga undoes its work; then its deadline does not bind its children.

        """
        self._host = host
        self._children = children
        self._journal_client = journal_client
        self._envelope = envelope
        self._tracing = tracing
        self._unwinding = unwinding

    @property
    def too_deep(self) -> bool:
        """Whether so many sagas stand above this one that it may have no children."""
        return self._envelope.depth >= MAX_DEPTH

    async def find_kind(self, kind: str) -> KindRecord | None:
        """Return a kind; None: no worker has registered it."""
        return await self._until_answered(lambda: self._children.kinds.find(kind))

    def token_of(self, record: KindRecord, path: str) -> Token:
        """Return the token of the child that does a step, or undoes it (`UNDO_SUFFIX`).

        Its id is the same in every run. Its partition need not be, where the queue's placement changes in between: the
        journal keeps the token before the child is submitted.
        """
        child = child_id(self._host.token, path, self._journal_client.replays)
        return Token(self._children.kinds.partition_of(record, child), child)

    async def submit(self, path: str, token: Token, kind: str, text: str) -> bool:
        """Submit a child, unless the store has it already; return whether the store has it.

        Args:
            path: the step's, under which the store records the child's end; with `UNDO_SUFFIX` if it undoes the step.
            token: the child's.
            kind: its kind.
            text: its input, JSON text.

        """
        record = await self.find_kind(kind)
        if record is None:
            return False  # a worker had registered the kind when the step began; one may do so again
        journal = self._journal_client
        left = 0
        if journal.deadline_ms and not self._unwinding:
            left = max(journal.deadline_ms - journal.now_ms(), 1)
        key = journal.key_of(path.removesuffix(UNDO_SUFFIX))
        span = self._begin_span(path, token, kind)
        above = self._envelope
        if span is not None:
            above = msgspec.structs.replace(above, traceparent=span.traceparent, tracestate=span.tracestate)
        child = NewChild(token, record, text, self._host.token, path, journal.owner, left, key, above)
        try:
            return await self._until_answered(lambda: self._children.submit(child))
        finally:
            if span is not None:
                span.end()

    async def stop(self, token: Token, kind: str) -> str:
        """Ask that a child stop, or never begin; return the store's answer: `unknown` if it did not have the child."""
        return await self._until_answered(lambda: self._children.stop(token, kind))

    def _begin_span(self, path: str, token: Token, kind: str) -> Span | None:
        if self._tracing is None:
            return None
        correlation_id = self._envelope.correlation_id or self._host.token
        attributes = job_attributes("submit", "send", token.partition, kind, str(token), correlation_id)
        return self._tracing.inside(f"submit {kind}", "producer", {**attributes, "tidings.step.path": path})

    async def _until_answered(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask the store until it answers, or the attempt is over."""
        return await until_answered(lambda _: call(), AttemptAsker(self._host, batched=False))
