"""The service that every transport uses: submit, watch, read, cancel and signal jobs.

Each operation stands here once, from its checks to what becomes of the listener. It returns a `PendingAnswer`, which an
HTTP request awaits and a socket gets a call from: a socket starts no task for a frame.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import msgspec

from tidings.protocol.frames.messages import Ack, Submission
from tidings.protocol.grants import GrantAct, GrantRequest
from tidings.protocol.problems import ProblemError, problem_error
from tidings.protocol.tokens import Token, parse_token
from tidings.store.answers import CancelAnswer, SignalAnswer, SubmitAnswer
from tidings.store.jobs.job_reader import UNBOUNDED_ROOM, ReplyRoom
from tidings.store.jobs.job_store import JobRecord, JobStore, NewJob, SubmitReply
from tidings_server.auth.identity import Identity
from tidings_server.watch.answer_budget import AnswerBudget, AnswerReservation
from tidings_server.watch.hub import Hub
from tidings_server.watch.job_listener import JobListener

from .admission import Admission, AdmittedJob
from .answer_tasks import AnswerTasks
from .client_answers import (
    acknowledge,
    cancel_problem,
    owner_filter,
    require_visible,
    signal_problem,
    unknown_token,
    with_trace_id,
)
from .grant_service import GrantService
from .job_spans import JobSpans, end_submit
from .job_submissions import JobSubmissions
from .pending_answer import PendingAnswer, ReplyReplacedError, result_of

Reader = Callable[[], Identity]
"""Returns who reads a job, at the time of the answer: a credential may end, or be renewed, while the store is asked.

It raises `ProblemError` if the reader may not read any more.
"""


Listener = TypeVar("Listener", bound=JobListener)
Reply = TypeVar("Reply")


class SubmittedJob(msgspec.Struct, Generic[Listener], frozen=True):
    """A submission that the store has been asked to accept."""

    job: NewJob
    listener: Listener | None
    """Buffers the job's events. When the client has its ack, the listener is to be released at the ack's number; of a
    duplicate, or where the ack fails, the service has forgotten it."""
    ack: PendingAnswer[Ack]


class JobService:
    """The jobs of this process's clients."""

    def __init__(
        self,
        admission: Admission,
        store: JobStore,
        hub: Hub,
        spans: JobSpans,
        answer_budget: AnswerBudget,
        grants: GrantService,
        tasks: AnswerTasks,
        submissions: JobSubmissions,
    ) -> None:
        """Prepare.

        Args:
            admission: checks submissions.
            store: keeps the jobs.
            hub: passes their events on.
            spans: traces the jobs.
            answer_budget: bounds the large answers that this process holds.
            grants: issues and reads grants.
            tasks: run what takes several calls of the store.
            submissions: asks the store to accept jobs.

        """
        self.grants = grants
        self._tasks = tasks
        self._submissions = submissions
        self.hub = hub
        self._admission = admission
        self._store = store
        self._spans = spans
        self._answer_budget = answer_budget

    # Submitting.

    def submit(
        self,
        submission: Submission,
        identity: Identity,
        caller: str,
        listen: Callable[[Token], Listener] | None = None,
        ref: int | None = None,
    ) -> SubmittedJob[Listener]:
        """Check a submission and ask the store to accept it.

        The hub knows the listener before the store knows the job, so that no event is missed.

        Args:
            submission: what is asked for.
            identity: who asks.
            caller: whose jobs it counts among (`caller_of`).
            listen: makes the listener of the new job; None: the submitter does not watch it.
            ref: the number of the frame, which the ack repeats.

        Raises:
            ProblemError: the submission is refused; the store has not been asked.

        """
        wish = None
        try:
            if submission.grant is not False:
                wish = self.grants.wish_of(submission, identity)
            if listen is not None and submission.owner is not None:
                _require_follow(wish, identity)
            admitted = self._admission.admit(submission, identity, caller, watch=listen is not None)
        except ProblemError as error:
            raise ProblemError(with_trace_id(error.problem, submission)) from error
        token, job = admitted.token, admitted.job
        listener = None
        if listen is not None:
            listener = listen(token)
            self.hub.begin(listener)
            self._spans.follow(listener, token, job)
        reply = self._submissions.begin(admitted, listener)
        if admitted.span is not None:
            reply.add_done_callback(partial(end_submit, admitted.span))
        read = partial(self._acknowledge, submission, admitted, listener, ref)
        if wish is not None:
            read = partial(self._acknowledge_granted, wish, identity, read)
        return SubmittedJob(job, listener, PendingAnswer("submit", reply, read))

    def _acknowledge(
        self,
        submission: Submission,
        admitted: AdmittedJob,
        listener: JobListener | None,
        ref: int | None,
        reply: "asyncio.Future[SubmitReply]",
    ) -> Ack:
        """Return the ack, and forget the listener unless the job is new.

        Raises:
            ProblemError: the submission is refused.
            ReplyReplacedError: by a newer placement the job belongs to another partition.

        """
        kept = False
        try:
            answer = result_of(reply)
            if answer.answer is SubmitAnswer.STALE:
                kept = True
                raise ReplyReplacedError(self._submissions.again(admitted, listener))
            ack = acknowledge(admitted.earlier or admitted.token, answer, ref, admitted.degraded)
            kept = not ack.duplicate
            if kept and self._submissions.partition_choice.placements:
                self._submissions.partition_choice.note(admitted.token.partition, answer.position)
        except ProblemError as error:
            raise ProblemError(with_trace_id(error.problem, submission)) from error
        finally:
            if listener is not None and not kept:
                self.hub.forget(listener)
        return ack

    def _acknowledge_granted(
        self,
        wish: GrantRequest,
        identity: Identity,
        acknowledge: "Callable[[asyncio.Future[SubmitReply]], Ack]",
        reply: "asyncio.Future[SubmitReply]",
    ) -> Ack:
        """Return the ack with the grant that the submission asked for."""
        ack = acknowledge(reply)
        return msgspec.structs.replace(ack, grant=self.grants.issue(wish, identity, ack.token))

    # Reading.

    def require_catalog(self) -> None:
        """Refuse what needs the queues while the registry has not been read.

        Raises:
            ProblemError: `store_unavailable`.

        """
        self._admission.require_catalog()

    def find(self, text: str) -> Token:
        """Return the token that `text` is.

        Raises:
            ProblemError: `unknown_token`: no job here can have it; `store_unavailable`: the queues are not known yet.

        """
        self._admission.require_catalog()
        token = parse_token(text)
        if token is None or token.partition not in self.hub.partitions:
            raise unknown_token(text)
        return token

    def read(
        self, token: Token, reader: Reader, after: int = 0, room: ReplyRoom = UNBOUNDED_ROOM
    ) -> PendingAnswer[JobRecord]:
        """Return a job's record, pending.

        The answer fails with `unknown_token`, `store_unavailable`, `rate_limited` (there was no room), or as
        `reader` refuses.

        Args:
            token: the job's.
            reader: who reads it.
            after: the log begins after this number.
            room: where a large answer is kept.

        """
        return PendingAnswer("read", self._store.read(token, after, room), partial(_visible, token, reader))

    def watch(
        self, listener: JobListener, reader: Reader, after: int, room: ReplyRoom = UNBOUNDED_ROOM
    ) -> PendingAnswer[JobRecord]:
        """Return a job's record, pending; the listener gets the job's events, once it is released.

        The answer fails as `read` does; the hub then keeps no listener.
        """
        reply = self.hub.watch(listener, after, room)
        return PendingAnswer("watch", reply, partial(self._watched, listener, reader))

    def _watched(self, listener: JobListener, reader: Reader, reply: "asyncio.Future[JobRecord]") -> JobRecord:
        try:
            record = _visible(listener.token, reader, reply)
        except BaseException:
            self.hub.leave(listener)
            raise
        self._spans.follow_earlier(listener, record)
        return record

    def reservation(self, caller: str) -> AnswerReservation:
        """Return the room for one large answer to a caller; the transport releases it when the answer has left."""
        return AnswerReservation(self._answer_budget, caller)

    # Steering.

    def cancel(self, token: Token, identity: Identity) -> PendingAnswer[None]:
        """Ask that a job which `identity` may see stop.

        The answer fails with `unknown_token`, `forbidden`, `already_finished` or `store_unavailable`.
        """
        reply = self._steer("cancel", token, identity, partial(self._store.cancel, token))
        return PendingAnswer("cancel", reply, partial(cancelled, str(token)))

    def signal(self, token: Token, identity: Identity, name: str, key: str, value: str) -> PendingAnswer[None]:
        """Give a signal to a job that `identity` may see.

        The answer fails with `unknown_token`, `forbidden`, `already_finished`, `too_large` (the job has had too many
        signals) or `store_unavailable`.

        Args:
            token: the job's.
            identity: who sends it.
            name: the signal's.
            key: idempotency key; empty: none.
            value: what the signal carries, JSON text.

        """
        reply = self._steer("signal", token, identity, lambda owner: self._store.signal(token, owner, name, key, value))
        return PendingAnswer("signal", reply, partial(_signalled, str(token)))

    def _steer(
        self, act: GrantAct, token: Token, identity: Identity, ask: "Callable[[str], asyncio.Future[Reply]]"
    ) -> "asyncio.Future[Reply]":
        """Ask the store to do something to a job, if it is of the owner that `ask` is given."""
        if not identity.grants:
            return ask(owner_filter(identity))

        async def steered() -> Reply:
            return await ask(await self.grants.require_permitted(identity, act, token))

        return self._tasks.start(act, steered)


def _require_follow(wish: GrantRequest | None, identity: Identity) -> None:
    """Refuse to follow a job that is submitted for another, unless by the grant that the submission asks for.

    Raises:
        ProblemError: `forbidden`.

    """
    if not identity.admin and (wish is None or "watch" not in wish.may):
        detail = "the job will be another's: submit with `watch` false, or ask for a `grant` and follow by that"
        raise problem_error("forbidden", detail, field="/watch")


def valid(identity: Identity) -> Reader:
    """Return a reader whose credential must still be valid when the answer comes, as over HTTP."""

    def check() -> Identity:
        identity.require_valid()
        return identity

    return check


def _visible(token: Token, reader: Reader, reply: "asyncio.Future[JobRecord]") -> JobRecord:
    return require_visible(result_of(reply), token, reader())


def cancelled(token: str, reply: "asyncio.Future[CancelAnswer]") -> None:
    """Read the store's answer to a cancellation.

    Raises:
        ProblemError: the job is not to stop.

    """
    refused = cancel_problem(token, result_of(reply))
    if refused is not None:
        raise ProblemError(refused)


def _signalled(token: str, reply: "asyncio.Future[SignalAnswer]") -> None:
    refused = signal_problem(token, result_of(reply))
    if refused is not None:
        raise ProblemError(refused)
