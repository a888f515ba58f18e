"""The jobs of one socket: what its client submits and watches.

The job service answers by a call in the turn of the event loop in which the store replied; no frame has a task.
"""

from functools import partial

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.frames.messages import Ack, Submit, Unwatch, Watch
from tidings.protocol.problems import ProblemError
from tidings.protocol.tokens import Token, parse_token
from tidings.store.jobs.job_store import JobRecord, NewJob
from tidings_server.auth.grant import Grant
from tidings_server.auth.identity import Identity
from tidings_server.jobs.client_answers import tags_of, trace_id_of_submission
from tidings_server.jobs.job_service import JobService
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.observability.server_meters import ServerMeter
from tidings_server.watch.event_frames import final_frame
from tidings_server.watch.job_listener import JobListener
from tidings_server.watch.snapshots import snapshot_frame
from tidings_server.websocket.socket_channel import SocketChannel

from .large_answer import LargeAnswerLock, LargeAnswerReservation
from .socket_grants import SocketGrants
from .socket_listener import SocketListener


class SocketJobs:
    """Carries out the frames of one client that concern jobs."""

    __slots__ = ("_jobs", "_large_answer_lock", "_listeners", "_meter", "channel", "granted")

    def __init__(self, channel: SocketChannel, jobs: JobService, meter: ServerMeter, notice_s: float) -> None:
        """Begin without a watch.

        Args:
            channel: the way to the client.
            jobs: the service.
            meter: measures how long acks take.
            notice_s: how long before the end of a grant the client is warned, s.

        """
        self.granted = SocketGrants(channel, notice_s, self._drop)
        self.channel = channel
        self._jobs = jobs
        self._meter = meter
        self._listeners: dict[str, SocketListener] = {}
        self._large_answer_lock = LargeAnswerLock()

    def leave(self) -> None:
        """Stop listening to every job: the socket is gone."""
        self._large_answer_lock.end()
        self.granted.end()
        for listener in list(self._listeners.values()):
            self._drop(listener)

    def check_watches(self) -> None:
        """End the watches that the client's new credential does not allow.

        A listener that still buffers waits for the answer to its frame, which brings it here.
        """
        for listener in list(self._listeners.values()):
            if listener.buffered is None:
                self._keep(listener)
        self.granted.shown()

    # Submitting.

    def submit(self, frame: Submit) -> None:
        """Submit a job, and watch it if the client says so."""
        channel = self.channel
        identity = channel.session.auth_state.identity
        listen = self._listen if frame.watch else None
        try:
            submitted = self._jobs.submit(frame, identity, channel.caller, listen, frame.ref)
        except ProblemError as error:
            channel.session.submit_refused(frame.ref, error.problem)
            return
        job, listener = submitted.job, submitted.listener
        if listener is not None:
            listener.owner = job.owner
        channel.then(submitted.ack, frame.ref, self._submitted, frame, job, channel.read_at, listener, identity)

    def _submitted(
        self,
        frame: Submit,
        job: NewJob,
        read_at: float,
        listener: SocketListener | None,
        submitter: Identity,
        answer: PendingAnswer[Ack],
    ) -> None:
        channel = self.channel
        problem = answer.problem
        if problem is not None and listener is not None:
            self.ended(listener)
        if channel.transport is None:
            return
        if problem is not None:
            channel.session.submit_refused(frame.ref, problem)
            channel.flush()
            return
        ack = answer.result()
        channel.session.acked(ack)
        channel.transport.acked(self._meter.ack.of(job.kind, job.tier), read_at, trace_id_of_submission(frame))
        grants = self._granted_by(frame, ack)
        if ack.duplicate:
            self._watch_earlier(frame.ref, listener, ack.token, grants)
        elif listener is not None:
            listener.grants = grants
            own = frame.owner is None and submitter is channel.session.auth_state.identity  # no other has come since
            if own or self._keep(listener):
                self.granted.follow(listener)
                listener.release(ack.seq)
                self.acked(listener)
        channel.flush()

    def acked(self, listener: SocketListener) -> None:
        """Take note that the client has the ack of a job that it watches."""

    def _granted_by(self, frame: Submit, ack: Ack) -> tuple[Grant, ...]:
        """Return the grant by which the client follows what it has submitted for another owner."""
        if frame.owner is None or ack.grant is msgspec.UNSET:
            return ()
        return (self._jobs.grants.read(ack.grant.grant),)

    def _watch_earlier(self, ref: int, listener: SocketListener | None, token: str, grants: tuple[Grant, ...]) -> None:
        """Follow the ack of a duplicate by the snapshot of the earlier job."""
        if listener is not None:
            self.ended(listener)
        earlier = parse_token(token)
        assert earlier is not None
        identity = self.channel.session.auth_state.identity
        if not identity.allows("watch"):
            self.channel.session.refused(ref, identity.lack("watch").problem)
        elif listener is None:
            room = self._room()
            answer = self._jobs.read(earlier, partial(self._reader, grants), room=room)
            self.channel.then(answer, ref, self._read_earlier, ref, earlier, room)
        else:
            self._start_watch(ref, earlier, 0, grants)

    def _read_earlier(
        self, ref: int, earlier: Token, room: LargeAnswerReservation, answer: PendingAnswer[JobRecord]
    ) -> None:
        session, problem = self.channel.session, answer.problem
        try:
            if not self.channel.is_open:
                return
            if problem is None:
                session.snapshot(ref, snapshot_frame(str(earlier), answer.result(), ref))
            else:
                session.refused(ref, problem)
        finally:
            room.told()
        self.channel.flush()

    # Watching.

    def watch(self, frame: Watch) -> None:
        """Watch a job that exists."""
        try:
            grants = () if frame.grant is None else (self._jobs.grants.read(frame.grant),)
            self._reader(grants)
            token = self._jobs.find(frame.token)
        except ProblemError as error:
            self.channel.session.refused(frame.ref, error.problem)
            return
        self._start_watch(frame.ref, token, frame.after, grants)

    def _start_watch(self, ref: int, token: Token, after: int, grants: tuple[Grant, ...]) -> None:
        known = self._listeners.get(str(token))
        if known is not None:  # the client watches it already, and wants to begin again after the number given
            self._drop(known)
        listener = self._listen(token)
        listener.grants = grants
        if known is not None:
            listener.follows = known.follows
        room = self._room()
        answer = self._jobs.watch(listener, partial(self._reader, grants), after, room)
        self.channel.then(answer, ref, self._watched, ref, listener, after, room)

    def _watched(
        self,
        ref: int,
        listener: SocketListener,
        after: int,
        room: LargeAnswerReservation,
        answer: PendingAnswer[JobRecord],
    ) -> None:
        problem = answer.problem
        try:
            if problem is not None:
                self.ended(listener)
                if self.channel.is_open:
                    self.channel.session.refused(ref, problem)
                    self.channel.flush()
                return
            record = answer.result()
            listener.owner, listener.tags = record.owner, tags_of(record)
            if self.channel.is_open:
                self.granted.follow(listener)
                self.send_snapshot(listener, record, ref, after)
                listener.release(record.seq)
        finally:
            room.told()

    def send_snapshot(self, listener: SocketListener, record: JobRecord, ref: int | None, after: int) -> None:
        """Send a job's record; if the job has ended, end the watch and send the terminal event too."""
        token = listener.token_text
        session = self.channel.session
        session.snapshot(ref, snapshot_frame(token, record, ref, after))
        if record.finished:
            self._drop(listener)
            if after != record.seq:
                # Both may be large: the second is made when the first has been sent.
                session.send_buffer.when_read(partial(self._send_end, token, record))
        self.channel.flush()

    def _send_end(self, token: str, record: JobRecord) -> None:
        """Send the terminal event of a job whose snapshot holds its end: clients may go by events alone."""
        if self.channel.is_open:
            self.channel.session.event(token, EventClass.FINAL, final_frame(token, record))

    def unwatch(self, frame: Unwatch) -> None:
        """Watch a job no more."""
        listener = self._listeners.get(frame.token)
        if listener is not None:
            self._drop(listener)
        self.channel.session.done(frame.ref)

    # Listeners.

    def _listen(self, token: Token) -> SocketListener:
        listener = SocketListener(token, self)
        self._listeners[listener.token_text] = listener
        self.channel.session.watch_begun()
        return listener

    def moved(self, listener: SocketListener, earlier: str) -> None:
        """Take note that a listener has another token than `earlier`: its client knows the job by the new one."""
        if self._listeners.get(earlier) is listener:
            del self._listeners[earlier]
            self._listeners[listener.token_text] = listener

    def ended(self, listener: SocketListener) -> None:
        """Take note that the hub has let go of a listener."""
        if self._listeners.get(listener.token_text) is listener:
            del self._listeners[listener.token_text]
            self.granted.discard(listener)
            self.channel.session.watch_ended()

    def _drop(self, listener: JobListener) -> None:
        """End a watch."""
        assert isinstance(listener, SocketListener)
        self._jobs.hub.leave(listener)
        self.ended(listener)

    def _keep(self, listener: SocketListener) -> bool:
        """Return whether the client may still watch a job; if not, end the watch and send why."""
        session = self.channel.session
        try:
            bearer = session.auth_state.identity.with_grants(listener.grants)
            bearer.require_watch(listener.token, listener.owner, listener.tags)
        except ProblemError as error:
            self._drop(listener)
            session.watch_refused(listener.token_text, error.problem)
            return False
        return True

    def _reader(self, grants: tuple[Grant, ...]) -> Identity:
        """Return the client's identity at the time of an answer: an `auth` may have changed it.

        Args:
            grants: those that came with its frame.

        Raises:
            ProblemError: the client may not watch any more.

        """
        identity = self.channel.session.auth_state.identity.with_grants(grants)
        identity.require_act("watch")
        return identity

    def _room(self) -> LargeAnswerReservation:
        reservation = self._jobs.reservation(self.channel.caller)
        return LargeAnswerReservation(self._large_answer_lock, reservation, self.channel.session.send_buffer)
