"""Server-sent events of all jobs with a tag: `GET /v1/events?tag=…`.

An event's `id` is the time of the newest event so far, by the store's clock. A browser's EventSource sends back the
last `id`, and gets, beside the jobs that live, those that ended since a little before: so no end is missed.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import msgspec

from tidings.protocol.events import EventClass
from tidings.protocol.frames.messages import Error
from tidings.protocol.problems import Problem, ProblemError, problem, problem_error
from tidings.protocol.timestamps import rfc3339
from tidings.protocol.tokens import Token
from tidings.store.jobs.job_store import JobRecord
from tidings_server.auth.identity import Identity
from tidings_server.follow.granted_tag import GrantedTag
from tidings_server.follow.owner_filter import TagAccess
from tidings_server.follow.recent_jobs import RecentJobs
from tidings_server.follow.tag_feed import Follower
from tidings_server.jobs.job_service import valid
from tidings_server.jobs.pending_answer import PendingAnswer
from tidings_server.jobs.quotas import ConnectionSlot
from tidings_server.observability.error_boundary import unexpected_problem
from tidings_server.runtime import ServerRuntime
from tidings_server.watch.answer_budget import AnswerReservation
from tidings_server.watch.encoded_frame import EncodedFrame
from tidings_server.watch.event_frames import event_name
from tidings_server.watch.snapshots import is_final
from tidings_server.web.send.end_calls import EndCalls
from tidings_server.web.send.snapshot_queue import SnapshotQueue

from .event_stream import EventStream, format_event
from .stream_listener import SeenNumbers, StreamListener

OVERLAP_MS = 10_000
"""How far before its last event a stream that is resumed begins: events of several jobs may overtake each other."""

_AT = '"at":"'
"""What stands before the time in every event's frame."""

_encode = msgspec.json.Encoder().encode


class TagStream(Follower):
    """The jobs of one tag in one stream."""

    def __init__(
        self, runtime: ServerRuntime, stream: EventStream, identity: Identity, caller: str, slot: ConnectionSlot
    ) -> None:
        """Begin without a job.

        Args:
            runtime: the server.
            stream: sends the events.
            identity: who reads them.
            caller: whose share large answers count in.
            slot: counts the watches.

        """
        self._runtime = runtime
        self._stream = stream
        self._identity = identity
        self._caller = caller
        self._slot = slot
        self._listeners: dict[Token, TagStreamListener] = {}
        self._recent = RecentJobs()
        self._announcements = SnapshotQueue(stream.send_buffer, self._announce)
        self._waiting: list[Token] | None = []
        """Jobs found before the stream has begun; None: it has."""
        self._granted: GrantedTag | None = None
        """What it stands by; None: the client's credential."""
        self._newest = ""
        """The time of the newest event written."""

    async def open(self, access: TagAccess, tag: str, since_ms: int, leave: EndCalls) -> None:
        """Follow the tag, and write what comes, until `leave` is closed or the grants that give access are over.

        Args:
            access: whose jobs.
            tag: the tag.
            since_ms: also the jobs that ended then or later, ms since the epoch; 0: only those that live.
            leave: gets what is to be undone at the end.

        Raises:
            StoreError: the store cannot be reached.

        """
        feed = self._runtime.tag_feed
        leave.callback(self._leave)
        found = await feed.join(access.owner, tag, self, max(since_ms - OVERLAP_MS, 1) if since_ms else 0)
        leave.callback(feed.leave, access.owner, tag, self)
        if access.scope is not None and self._stream.granted is not None:
            self._granted = GrantedTag(
                access.scope, (), self._stream.granted, partial(self._tell_tag, tag), self._stream.end_one
            )
            self._stream.granted.add(self._granted)
        tokens = [*dict.fromkeys([*found.tokens, *(self._waiting or ())])]
        at = self._newest = rfc3339(found.at_ms)
        told = _encode({"type": "following", "tag": tag, "jobs": len(tokens), "at": at}).decode()
        self._stream.write(tag, EventClass.CHANGE, format_event(at, "following", told))
        self._waiting = None
        self.found(tokens)

    def _leave(self) -> None:
        self._announcements.keep(lambda _: False)
        for listener in self._listeners.values():
            self._runtime.hub.leave(listener)

    def found(self, tokens: Sequence[Token], *, lives_again: bool = False) -> None:
        """Take jobs with the tag."""
        if self._granted is not None and self._granted.over():
            return
        if lives_again:
            for token in tokens:
                self._recent.forget(token)
        if self._waiting is not None:
            self._waiting += tokens
            return
        for token in tokens:
            if self._recent.add(token) and self._admit(token):
                self._announcements.add([token])

    def _admit(self, token: Token) -> bool:
        """Return whether there is room for one more job; if not, write so."""
        if token in self._listeners:
            return False
        most = self._runtime.settings.max_watches
        try:
            if len(self._listeners) + len(self._announcements) >= most:
                detail = f"this stream has {most} jobs, which is as many as it may have: this job is left out"
                raise problem_error("too_many_watches", detail, limit=most)
            self._slot.watch(1)
        except ProblemError as error:
            self.tell(token, error.problem)
            return False
        return True

    def tell(self, token: Token, refused: Problem) -> None:
        """Write why the events of a job do not come, or come no more: an event with the name of the problem's code."""
        text = _encode(Error(ref=None, problem=refused, token=str(token))).decode()
        self._stream.write(str(token), EventClass.CHANGE, format_event(None, refused.code, text))

    def _tell_tag(self, tag: str, refused: Problem) -> None:
        text = _encode(Error(ref=None, problem=refused, tag=tag)).decode()
        self._stream.write(tag, EventClass.CHANGE, format_event(None, refused.code, text))

    def _announce(self, token: Token) -> bool:
        listener = self._listeners[token] = TagStreamListener(token, self._stream, self)
        listener.granted = self._granted
        room = self._runtime.jobs.reservation(self._caller)
        answer = self._runtime.jobs.watch(listener, valid(self._identity), 0, room)
        answer.on_settled = partial(self._announced, listener, room)
        return True

    def _announced(
        self, listener: "TagStreamListener", room: AnswerReservation, answer: PendingAnswer[JobRecord]
    ) -> None:
        try:
            refused = answer.problem
            if refused is not None:
                self.ended(listener)
                if refused.code != "unknown_token":  # its record has left since it was found
                    self.tell(listener.token, refused)
                return
            record = answer.result()
            for event_class, text in listener.told(record, 0):
                self._stream.write(str(listener.token), event_class, text)
            if is_final(record):
                self._runtime.hub.leave(listener)
                self.ended(listener)
            else:
                listener.release(record.seq)
        except Exception as error:  # noqa: BLE001 - the border of one job: an event loop has no use for it
            self.tell(listener.token, unexpected_problem("follow", error, token=str(listener.token)))
        finally:
            self._stream.send_buffer.when_read(room.release)
            self._announcements.settled()

    def ended(self, listener: "TagStreamListener") -> None:
        """Take note that one job sends no more events."""
        if self._listeners.get(listener.token) is listener:
            del self._listeners[listener.token]
            self._slot.unwatch(1)

    def identity_at(self, frame: EncodedFrame) -> str:
        """Return the `id` of an event."""
        start = frame.text.index(_AT) + len(_AT)
        self._newest = max(self._newest, frame.text[start : frame.text.index('"', start)])
        return self._newest


class TagStreamListener(StreamListener):
    """One job in the stream of a tag."""

    __slots__ = ("_followed",)

    def __init__(self, token: Token, stream: EventStream, followed: TagStream) -> None:
        super().__init__(token, stream, SeenNumbers({}, []))
        self._followed = followed

    def end(self) -> None:
        """Take note that the job sends no more events; the stream goes on."""
        self._followed.ended(self)

    def text(self, seq: int, frame: EncodedFrame) -> str:
        """Return an event of the stream."""
        return format_event(self._followed.identity_at(frame), event_name(frame.text), frame.text)


def moment_ms(text: str, field: str) -> int:
    """Return a moment of the query or of `Last-Event-ID`, ms since the epoch.

    Raises:
        ProblemError: `invalid_frame`.

    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        refused = problem("invalid_frame", "`since` takes a moment with its offset (RFC 3339)", field=field)
        raise ProblemError(refused)
    return max(int(moment.timestamp() * 1000), 1)
