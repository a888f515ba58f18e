"""An open socket: its session, what it watches, and what the store answers it.

Answers reach the session by callbacks, without a task for each.
"""

import asyncio
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from tidings.protocol import close_codes
from tidings.protocol.admin_messages import Connection
from tidings.protocol.events import EventClass
from tidings.protocol.messages import Auth, Cancel, Observe, Signal, Submit, Unobserve, Unwatch, Watch
from tidings.protocol.problems import Problem, ProblemError, problem_error
from tidings.protocol.tokens import Token, parse_token
from tidings.store.job_store import JobRecord, NewJob, SubmitReply
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import (
    acknowledge,
    cancel_problem,
    owner_filter,
    require_visible,
    signal_problem,
    signal_text,
    store_problem,
    trace_id_of_submission,
    unknown_token,
    with_trace_id,
)
from tidings_server.jobs.encoded_frame import EncodedFrame
from tidings_server.jobs.hub import JobListener
from tidings_server.jobs.quotas import ConnectionSlot, quota_key_of
from tidings_server.jobs.snapshots import final_frame, snapshot_frame
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.runtime import ServerRuntime
from tidings_server.web.connection_age import connection_lifetime
from tidings_server.web.send_buffer import COALESCE_BYTES

from .large_answer import LargeAnswerLock, LargeAnswerReservation
from .session import Command, Session, ref_of
from .transport import SocketTransport

Answer = TypeVar("Answer")

COME_BACK_S = 1.0
"""Within this time a client that has reached the maximal age is told to come back; chance takes when."""

LEAVE_S = 5.0
"""How long it may stay until its questions are answered."""


class SocketListener(JobListener):
    """One job, watched over a socket."""

    __slots__ = ("_socket", "owner")

    def __init__(self, token: Token, socket: "SocketConnection", owner: str = "") -> None:
        super().__init__(token)
        self.owner = owner
        """Whose job it is, once that is known."""
        self._socket = socket

    def event(self, seq: int, event_class: int, frame: EncodedFrame) -> None:
        """Pass an event on."""
        self._socket.session.event(str(self.token), event_class, frame)
        if event_class == EventClass.FINAL:
            self._socket.ended(self)
        self._socket.flush()

    def repaired(self, record: JobRecord, after: int) -> None:
        """Tell where the job stands after events were lost on the way."""
        self._socket.tell_snapshot(self, record, None, after)

    def vanished(self) -> None:
        """Tell that the record is gone."""
        self._socket.ended(self)
        self._socket.session.watch_refused(str(self.token), unknown_token(str(self.token)).problem)
        self._socket.flush()


class SocketConnection:
    """One open socket."""

    def __init__(
        self,
        runtime: ServerRuntime,
        session: Session,
        caller: str,
        connection_slot: ConnectionSlot,
        on_lost: "Callable[[SocketConnection], None]",
    ) -> None:
        """Prepare; `open` begins.

        Args:
            runtime: the service.
            session: what is said over it.
            caller: whose jobs its submits count among.
            connection_slot: its place, which it gives back at its end.
            on_lost: called once, when it has ended.

        """
        self.session = session
        self._runtime = runtime
        self._caller = caller
        self._connection_slot = connection_slot
        self._on_lost = on_lost
        self._listeners: dict[str, SocketListener] = {}
        self._large_answer_lock = LargeAnswerLock()
        self._transport: SocketTransport | None = None
        self._since = time.time()
        self._read_at = time.monotonic()
        """When the last message came."""
        self._leaves_at = self._read_at + connection_lifetime(runtime.settings.max_connection_age_s)

    # What the transport tells.

    def open(self, transport: SocketTransport) -> None:
        """Greet the client over its transport."""
        self._transport = transport
        self.session.open()
        self.flush()

    def received(self, data: str | bytes) -> None:
        """Take a message."""
        self._read_at = time.monotonic()
        command = None
        try:
            command = self.session.receive(data, self._read_at)
            if command is not None:
                self.do(command)
        except Exception as error:  # noqa: BLE001 - the border of one frame
            if command is None:
                refused = unexpected_problem("frame", error, connection=self.session.connection)
                self.session.refused(ref_of(data), refused, waiting=False)
            else:
                self._answer_unexpected(type(command).__name__.lower(), command.ref, error)
        if self.session.send_buffer or self.session.close_code is not None:
            self.flush()

    def controlled(self) -> None:
        """Count a frame that is no message."""
        self.session.count(time.monotonic())
        if self.session.close_code is not None:
            self.flush()

    def lost(self) -> None:
        """Stop listening to everything: the socket is gone."""
        self._transport = None
        self.session.send_buffer.take()
        self._large_answer_lock.end()
        for listener in list(self._listeners.values()):
            self._runtime.hub.leave(listener)
            self.ended(listener)
        self._runtime.overview_feed.leave(self)
        self._connection_slot.leave()
        if self.session.close_code == close_codes.TOO_SLOW:
            self._runtime.meter.slow.add("socket")
        self._on_lost(self)

    def tick(self, now: float) -> None:
        """Do what is due by the monotonic clock: a sign of life, a ping, the end at the maximal age."""
        if self._transport is None:
            return
        if now - self._transport.sent_at >= self._runtime.settings.alive_after_s:
            self.session.alive()
            self.flush()
        self.session.tick(now, time.time())
        if self.session.send_buffer:
            self.flush()
        if now >= self._leaves_at:
            self._leave(late=now >= self._leaves_at + LEAVE_S)
        self._transport.tick(now)

    def _leave(self, *, late: bool) -> None:
        self.session.go_away("the connection reached its maximal age", random.uniform(0, COME_BACK_S))  # noqa: S311
        if late or self.session.idle:
            self.session.close(close_codes.MAXIMAL_AGE)
        self.flush()

    def fail(self, request: str, error: Exception) -> None:
        """End, because something broke that is no single frame's."""
        unexpected_problem(request, error, connection=self.session.connection)
        self.session.close(close_codes.DRAINING)  # its client comes back, with a session that is whole
        self.flush()

    def flush(self) -> None:
        """Have sent what waits; returns at once."""
        if self._transport is not None:
            self._transport.flush()

    def overview(self, frame: EncodedFrame) -> None:
        """Tell how the system stands."""
        self.session.overview(frame)
        self.flush()

    def describe(self) -> Connection:
        """Return what operators are shown of it."""
        waiting = self.session.send_buffer.waiting_bytes
        return Connection(
            connection=self.session.connection,
            caller=self._caller,
            address=self._connection_slot.address,
            kind="socket",
            since=int(self._since * 1000),
            watches=self.session.watches,
            waiting_bytes=waiting,
            slow=waiting > COALESCE_BYTES,
        )

    @property
    def _identity(self) -> Identity:
        return self.session.auth_state.identity

    @property
    def _open(self) -> bool:
        return self._transport is not None

    def do(self, command: Command) -> None:
        """Carry out what the session asks."""
        match command:
            case Submit():
                self._submit(command)
            case Watch():
                self._watch(command)
            case Unwatch():
                self._unwatch(command)
            case Cancel():
                self._cancel(command)
            case Signal():
                self._signal(command)
            case Observe():
                self._runtime.overview_feed.join(self)
                self.session.done(command.ref)
            case Unobserve():
                self._runtime.overview_feed.leave(self)
                self.session.done(command.ref)
            case Auth():
                answer = self._runtime.identify(command.credential)
                self._then(answer, "auth", command.ref, self._identified, command.ref)

    def ended(self, listener: SocketListener) -> None:
        """Take note that nothing more comes for a listener."""
        if self._listeners.get(str(listener.token)) is listener:
            del self._listeners[str(listener.token)]
            self.session.watch_ended()

    def _then(
        self, answer: "asyncio.Future[Any]", request: str, ref: int, take: Callable[..., None], *args: Any
    ) -> None:
        """Have `take` called with `args` and the answer, once it is there."""
        answer.add_done_callback(partial(self._answered, request, ref, take, args))

    def _answered(
        self, request: str, ref: int, take: Callable[..., None], args: tuple[Any, ...], answer: "asyncio.Future[Any]"
    ) -> None:
        try:
            take(*args, answer)
        except Exception as error:  # noqa: BLE001 - the border of one frame: an event loop has no use for it
            self._answer_unexpected(request, ref, error)

    def _answer_unexpected(self, request: str, ref: int | None, error: Exception) -> None:
        """Answer a frame by the problem that it met, if it has no answer yet."""
        refused = unexpected_problem(request, error, connection=self.session.connection)
        if self._open:
            self.session.failed(ref, refused)
            self.flush()

    # Who.

    def _identified(self, ref: int, answer: "asyncio.Future[Identity]") -> None:
        try:
            identity = answer_of(answer)
            if self._open:
                self._accept(ref, identity)
        except ProblemError as error:
            if self._open:
                self.session.credential_refused(ref, error.problem)
        self.flush()

    def _accept(self, ref: int, identity: Identity) -> None:
        if not self.session.auth_state.known:
            self._connection_slot.transfer_to(quota_key_of(identity, self._caller), time.monotonic())
            self._caller = identity.owner
        self.session.authenticated(ref, identity, self._connection_slot.quota)
        if not identity.admin and self._runtime.overview_feed.leave(self):
            self.session.refused(None, identity.lack("admin").problem)
        for listener in list(self._listeners.values()):
            # One that holds its events back waits for an answer, with which it is looked at.
            if listener.buffered is None:
                self._keep(listener)

    def _keep(self, listener: SocketListener) -> bool:
        """Return whether a job may still be watched; tell the client if not, and end the watch."""
        try:
            self._identity.require_watch(listener.owner)
        except ProblemError as error:
            self._runtime.hub.leave(listener)
            self.ended(listener)
            self.session.watch_refused(str(listener.token), error.problem)
            return False
        return True

    # Submit.

    def _submit(self, frame: Submit) -> None:
        try:
            token, job, span = self._runtime.admit(frame, self._identity, self._caller)
        except ProblemError as error:
            self.session.submit_refused(frame.ref, with_trace_id(error.problem, frame))
            return
        listener = None
        if frame.watch:
            listener = self._listen(token, job.owner)
            self._runtime.hub.begin(listener)
            self._runtime.job_spans.follow(listener, token, job)
        answer = self._runtime.place(token, job, span)
        degraded = self._runtime.degraded(token, job)
        self._then(answer, "submit", frame.ref, self._submitted, frame, job, self._read_at, token, listener, degraded)

    def _submitted(
        self,
        frame: Submit,
        job: NewJob,
        read_at: float,
        token: Token,
        listener: SocketListener | None,
        degraded: str,
        answer: "asyncio.Future[SubmitReply]",
    ) -> None:
        ref = frame.ref
        try:
            ack = acknowledge(token, answer_of(answer), ref, degraded)
        except ProblemError as error:
            if listener is not None:
                self._runtime.hub.forget(listener)
                self.ended(listener)
            if self._open:
                self.session.submit_refused(ref, with_trace_id(error.problem, frame))
                self.flush()
            return
        if self._transport is None:
            return
        self.session.acked(ack)
        self._transport.acked(self._runtime.meter.ack.of(job.kind, job.tier), read_at, trace_id_of_submission(frame))
        if ack.duplicate:
            self._watch_earlier(ref, listener, ack.token)
        elif listener is not None and self._keep(listener):
            listener.release(ack.seq)
        self.flush()

    def _watch_earlier(self, ref: int, listener: SocketListener | None, token: str) -> None:
        """Follow the ack of a duplicate by the snapshot of the earlier job."""
        if listener is not None:
            self._runtime.hub.forget(listener)
            self.ended(listener)
        earlier = parse_token(token)
        assert earlier is not None
        if not self._identity.allows("watch"):
            self.session.refused(ref, self._identity.lack("watch").problem)
        elif listener is None:
            room = LargeAnswerReservation(
                self._large_answer_lock, self._runtime.reservation(self._caller), self.session.send_buffer
            )
            answer = self._runtime.store.read(earlier, room=room)
            self._then(answer, "submit", ref, self._read_earlier, ref, earlier)
            answer.add_done_callback(room.told)
        else:
            self._start_watch(ref, earlier, 0)

    def _read_earlier(self, ref: int, earlier: Token, answer: "asyncio.Future[JobRecord]") -> None:
        if not self._open:
            return
        try:
            self._identity.require("watch")
            self.session.snapshot(ref, snapshot_frame(str(earlier), record_of(earlier, answer, self._identity), ref))
        except ProblemError as error:
            self.session.refused(ref, error.problem)
        self.flush()

    # Watch, unwatch, cancel, signal.

    def _watch(self, frame: Watch) -> None:
        try:
            token = self._runtime.find(frame.token)
        except ProblemError as error:
            self.session.refused(frame.ref, error.problem)
            return
        self._start_watch(frame.ref, token, frame.after)

    def _start_watch(self, ref: int, token: Token, after: int) -> None:
        known = self._listeners.get(str(token))
        if known is not None:  # watched already: begin anew from the number given
            self._runtime.hub.leave(known)
            self.ended(known)
        listener = self._listen(token)
        room = LargeAnswerReservation(
            self._large_answer_lock, self._runtime.reservation(self._caller), self.session.send_buffer
        )
        answer = self._runtime.hub.watch(listener, after, room)
        self._then(answer, "watch", ref, self._watched, ref, listener, after)
        answer.add_done_callback(room.told)

    def _watched(self, ref: int, listener: SocketListener, after: int, answer: "asyncio.Future[JobRecord]") -> None:
        try:
            self._identity.require("watch")
            record = record_of(listener.token, answer, self._identity)
        except ProblemError as error:
            self._runtime.hub.leave(listener)
            self.ended(listener)
            if self._open:
                self.session.refused(ref, error.problem)
                self.flush()
            return
        listener.owner = record.owner
        if self._open:
            self.tell_snapshot(listener, record, ref, after)
            self._runtime.job_spans.follow_earlier(listener, record)
            listener.release(record.seq)

    def tell_snapshot(self, listener: SocketListener, record: JobRecord, ref: int | None, after: int) -> None:
        """Send where a job stands; a job that has ended is not listened to any more, its terminal event follows."""
        token = str(listener.token)
        self.session.snapshot(ref, snapshot_frame(token, record, ref, after))
        if record.finished is not None:
            self._runtime.hub.leave(listener)
            self.ended(listener)
            if after != record.seq:
                # Both may be large: the second is made when the first has been sent.
                self.session.send_buffer.when_read(partial(self._tell_end, token, record))
        self.flush()

    def _tell_end(self, token: str, record: JobRecord) -> None:
        """Send the terminal event of a job whose snapshot has told of it: clients may go by events alone."""
        if self._open:
            self.session.event(token, EventClass.FINAL, final_frame(token, record))

    def _unwatch(self, frame: Unwatch) -> None:
        listener = self._listeners.get(frame.token)
        if listener is not None:
            self._runtime.hub.leave(listener)
            self.ended(listener)
        self.session.done(frame.ref)

    def _cancel(self, frame: Cancel) -> None:
        try:
            token = self._runtime.find(frame.token)
        except ProblemError as error:
            self.session.refused(frame.ref, error.problem)
            return
        answer = self._runtime.store.cancel(token, owner_filter(self._identity))
        self._then(answer, "cancel", frame.ref, self._ordered, frame, cancel_problem)

    def _signal(self, frame: Signal) -> None:
        try:
            token, value = self._runtime.find(frame.token), signal_text(frame.input)
        except ProblemError as error:
            self.session.refused(frame.ref, error.problem)
            return
        answer = self._runtime.store.signal(token, owner_filter(self._identity), frame.name, frame.key or "", value)
        self._then(answer, "signal", frame.ref, self._ordered, frame, signal_problem)

    def _ordered(
        self, frame: Cancel | Signal, problem_of: Callable[[str, str], Problem | None], answer: "asyncio.Future[str]"
    ) -> None:
        """Answer what was ordered of a job."""
        ref = frame.ref
        if not self._open:
            return
        try:
            refused = problem_of(frame.token, answer_of(answer))
        except ProblemError as error:
            refused = error.problem
        if refused is not None:
            self.session.refused(ref, refused)
        else:
            self.session.done(ref)
        self.flush()

    def _listen(self, token: Token, owner: str = "") -> SocketListener:
        listener = self._listeners[str(token)] = SocketListener(token, self, owner)
        self.session.watch_begun()
        return listener


def answer_of(answer: "asyncio.Future[Answer]") -> Answer:
    """Return what the store, or the authenticator, answered.

    Raises:
        ProblemError: what a client is told instead.

    """
    if answer.cancelled():
        raise problem_error("draining", "this server is shutting down; connect again", retry_after=1)
    error = answer.exception()
    if isinstance(error, ProblemError):
        raise error
    if error is not None:
        raise ProblemError(store_problem(error))
    return answer.result()


def record_of(token: Token, answer: "asyncio.Future[JobRecord]", identity: Identity) -> JobRecord:
    """Return the record the store answered with, if `identity` may see it.

    Raises:
        ProblemError: there is none, it is another's, or the store is not there.

    """
    return require_visible(answer_of(answer), token, identity)
