"""The spans of the server: of a submission, and of a job's terminal event as it leaves for a client."""

import asyncio
from functools import partial

from tidings.protocol.frames.messages import Submission
from tidings.protocol.tokens import Token
from tidings.protocol.trace_context import accept_trace_context
from tidings.store.answers import SubmitAnswer
from tidings.store.availability.store_errors import StoreUnconfirmedError
from tidings.store.jobs.job_store import JobRecord, NewJob, SubmitReply
from tidings.tracing.spans import Span, Tracing, job_attributes, owner_attributes
from tidings_server.watch.job_listener import JobListener, NotifySpan


class JobSpans:
    """The server's part of a trace, where spans are collected."""

    def __init__(self, tracing: Tracing | None) -> None:
        """Prepare; None: no spans are collected."""
        self._tracing = tracing

    async def close(self) -> None:
        """Send the spans that have not been sent."""
        if self._tracing is not None:
            await asyncio.to_thread(self._tracing.close)

    def begin(self, submission: Submission, kind: str, token: Token, owner: str) -> tuple[str, str, Span | None]:
        """Return the trace context of a new job, and the span of its submission if that is collected."""
        traceparent, tracestate = "", ""
        if submission.traceparent is not None:
            traceparent, tracestate = accept_trace_context(submission.traceparent, submission.tracestate)
        if self._tracing is None or not self._tracing.samples(traceparent):
            return traceparent, tracestate, None
        attributes = job_attributes(
            "submit", "send", token.partition, kind, str(token), submission.correlation_id or str(token)
        ) | owner_attributes(owner, " ".join(submission.tags or ()))
        span = self._tracing.begin(f"submit {kind}", "producer", attributes, traceparent, tracestate)
        return traceparent if span is None else span.traceparent, tracestate, span

    def follow(self, listener: JobListener, token: Token, job: NewJob) -> None:
        """Give a listener the span in which the terminal event of its new job leaves, if spans are collected."""
        if job.traceparent:
            listener.notify_span = self._notice(token, job.kind, job.correlation_id, job.traceparent)

    def follow_earlier(self, listener: JobListener, record: JobRecord) -> None:
        """Do so for a job that was there before."""
        if record.traceparent:
            token = listener.token
            listener.notify_span = self._notice(token, record.kind, record.correlation_id, record.traceparent)

    def _notice(self, token: Token, kind: str, correlation_id: str, traceparent: str) -> NotifySpan | None:
        tracing = self._tracing
        if tracing is None or not tracing.samples(traceparent):
            return None
        attributes = job_attributes("notify", "send", token.partition, kind, str(token), correlation_id or str(token))
        return partial(tracing.begin, f"notify {kind}", "producer", attributes, traceparent)


def end_submit(span: Span, answer: "asyncio.Future[SubmitReply]") -> None:
    """End the span of a submission with the store's reply."""
    if answer.cancelled() or answer.exception() is not None:
        written = not answer.cancelled() and isinstance(answer.exception(), StoreUnconfirmedError)
        span.fail("unconfirmed" if written else "store_unavailable")
    else:
        made = answer.result().answer
        if made is SubmitAnswer.DUPLICATE:
            span.note("tidings.duplicate", True)
        elif made not in (SubmitAnswer.NEW, SubmitAnswer.STALE):
            span.fail("key_reused" if made is SubmitAnswer.REUSED else "backlog_full")
    span.end()
