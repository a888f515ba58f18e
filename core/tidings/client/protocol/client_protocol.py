"""The ledger: what the client has asked, what it has been told, and what it must ask again. No I/O.

Whoever owns the socket feeds `receive` every frame, sends what `take` returns, and says when a socket
may be used or broke. Rules:

* A question is made JSON when it is asked: it fails there, and never when it is repeated.
* A submit waits while as many are in flight as the connection allows. It is repeated on the next socket,
  under the same key, until it is answered, or until connection after connection has broken over it.
* A cancel or a signal is repeated too: asked twice a cancel does no harm, and a signal has a key.
* A job is watched again on the next socket from the last number seen, until it has ended. Several may follow
  one job; the server is asked once, from the lowest number that any of them has seen.
* What a draining server refuses goes to the next one; a watch refused for now is asked again.
* What is larger than a frame may be is refused here: the server would close the socket for it.
* A refusal without a ref is of the question that stays without an answer: see `suspects`.
* An event whose number is not above the last seen is dropped; nothing comes after the terminal one.
"""

from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import Any

import msgspec

from tidings.protocol.messages import Ack, Done, Error, EventFrame, Limits, ServerFrame, SnapshotFrame
from tidings.protocol.problems import Problem, problem

from .job_event import Event, missed_events
from .request_text import request_text, unchecked_request_text, with_ref
from .suspects import ALONE_AFTER, MAX_BROKEN, IsolatedRetries, UnattributedRefusals, too_many_breaks
from .tracked_job import JobCommand, TrackedJob, WatchRequest

TRANSIENT_PROBLEMS = frozenset({"store_unavailable", "rate_limited", "internal_error"})
"""Problems of the server's, not of the question: a watch so refused is asked again."""

UNREADABLE_PROBLEMS = frozenset({"invalid_frame", "too_large"})
"""Problems of a question that could not be read, perhaps not even its ref."""


class ClientProtocol:
    """All jobs of one client."""

    def __init__(self) -> None:
        self._refs = count(1)
        self._limits: Limits | None = None
        """Those of the socket there is; None: there is none that may be used."""
        self._outgoing: list[str] = []
        self._asked: dict[int, TrackedJob | JobCommand | WatchRequest] = {}
        """What this socket was asked and has not answered, by ref."""
        self._in_flight: set[int] = set()
        """Refs of the submits that the server counts as waiting for their ack."""
        self._submits: deque[TrackedJob] = deque()
        """Submits to be sent as soon as they may."""
        self._unanswered: dict[TrackedJob, None] = {}
        """All submits without an answer, sent or not, in the order in which they were asked."""
        self._unsettled: dict[JobCommand, None] = {}
        """All orders without an answer."""
        self._tracks: dict[str, list[TrackedJob]] = {}
        self._resuming: set[str] = set()
        """Jobs followed when the socket opened, of which nothing has been heard on it."""
        self._heard: list[TrackedJob] = []
        self._settled: list[JobCommand] = []
        self._later: list[tuple[str, Problem]] = []
        self._unread = UnattributedRefusals()
        self._alone: IsolatedRetries[TrackedJob | JobCommand] = IsolatedRetries()

    @property
    def resuming(self) -> bool:
        """Whether some of what was followed on the last socket has not been taken up on this one."""
        return bool(self._resuming)

    @property
    def unsent(self) -> bool:
        """Whether there are frames to send."""
        return bool(self._outgoing)

    def next_ref(self) -> int:
        """Return a ref that no frame of this client has used."""
        return next(self._refs)

    # What the user asks.

    def submit(self, fields: dict[str, Any]) -> TrackedJob:
        """Ask for work; `fields` are those of the frame, with a key.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.

        """
        assert "key" in fields, "a submit without a key could not be repeated"
        text = request_text({"type": "submit", **fields})
        track = TrackedJob(text, watched=fields.get("watch", True))
        self._unanswered[track] = None
        self._submits.append(track)
        self._send_submits()
        return track

    def watch(self, token: str, after: int) -> TrackedJob:
        """Ask for a job's events after a number.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.

        """
        request_text({"type": "watch", "token": token, "after": after})
        track = TrackedJob(None, token, after)
        self._tracks.setdefault(token, []).append(track)
        self._ask_watch(token)
        return track

    def cancel(self, track: TrackedJob) -> JobCommand:
        """Ask that a job stop."""
        return self._order({"type": "cancel", "token": _token_of(track)})

    def signal(self, track: TrackedJob, name: str, value: bytes, key: str) -> JobCommand:
        """Give a job a signal; `value` is JSON.

        Raises:
            ProblemError: `invalid_frame`: the server could not read it.

        """
        frame = {"type": "signal", "token": _token_of(track), "name": name, "input": msgspec.Raw(value), "key": key}
        return self._order(frame)

    def watch_again(self, token: str) -> None:
        """Ask once more for a job whose watch was refused for now."""
        self._ask_watch(token)

    def forget(self, track: TrackedJob) -> None:
        """Follow a job no more; a submit that was not sent never will be."""
        track.ended = True
        self._drop(track)
        if track.token is not None:
            self._unwatch(track.token)

    def withdraw(self, order: JobCommand) -> None:
        """Give an order no more; the server may have it."""
        self._unsettled.pop(order, None)

    # What the socket does.

    def connected(self, limits: Limits) -> None:
        """A socket may be used: ask again whatever has no answer yet, and watch what goes on."""
        self._limits = limits
        self._resuming = set(self._tracks)
        for token, tracks in list(self._tracks.items()):
            for track in tracks:
                track.awaits_snapshot = True
            self._ask_watch(token)
        for order in list(self._unsettled):
            if order.broken < ALONE_AFTER:
                self._ask(order, order.text)
        self._submits = deque(track for track in self._unanswered if track.broken < ALONE_AFTER)
        pending: list[TrackedJob | JobCommand] = [*self._unsettled, *self._unanswered]
        self._alone.begin(one for one in pending if one.broken >= ALONE_AFTER)
        self._send_submits()

    def disconnected(self, *, broke: bool = False) -> None:
        """The socket is gone, and with it whatever it was asked.

        Args:
            broke: it was no routine: perhaps one of the questions was too much for the server.

        """
        if broke:
            self._suspect([one for one in self._asked.values() if isinstance(one, TrackedJob | JobCommand)])
        self._limits = None
        self._outgoing.clear()
        self._asked.clear()
        self._in_flight.clear()
        self._resuming.clear()
        self._later.clear()
        self._unread.clear()

    def take(self) -> list[str]:
        """Return the frames to send, and forget them."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def receive(self, frame: ServerFrame) -> None:
        """Take a frame; what is not about jobs changes nothing."""
        match frame:
            case EventFrame():
                self._event(frame)
            case Ack():
                self._ack(frame)
            case SnapshotFrame():
                self._snapshot(frame)
            case Error():
                self._error(frame)
            case Done():
                asked = self._asked.pop(frame.ref, None)
                if isinstance(asked, JobCommand):
                    self._settle(asked, None)
        self._go_on()

    # What has been learned, each time since the last call.

    def take_updated_jobs(self) -> list[TrackedJob]:
        """Return the jobs that have `news`."""
        heard, self._heard = self._heard, []
        return heard

    def take_answered_commands(self) -> list[JobCommand]:
        """Return the orders that have been answered."""
        settled, self._settled = self._settled, []
        return settled

    def take_postponed_watches(self) -> list[tuple[str, Problem]]:
        """Return the tokens whose watch was refused for now: to be passed to `again` after a while."""
        later, self._later = self._later, []
        return later

    # Frames in.

    def _ack(self, frame: Ack) -> None:
        assert isinstance(frame.ref, int)
        self._in_flight.discard(frame.ref)
        track = self._asked.pop(frame.ref, None)
        if isinstance(track, TrackedJob):
            self._acked(track, frame, frame.ref)

    def _acked(self, track: TrackedJob, frame: Ack, ref: int) -> None:
        self._unanswered.pop(track, None)
        if frame.duplicate:  # the earlier job's snapshot follows under the same ref
            self._asked[ref] = WatchRequest(frame.token, 0)
        if track.ended:  # forgotten meanwhile, which the server cannot know
            if track.watched:
                self._unwatch(frame.token)
            return
        track.submit, track.token = None, frame.token
        if not track.watched:
            track.ended = True
            self._tell(track, frame)
            return
        self._tracks.setdefault(frame.token, []).append(track)
        if not frame.duplicate:
            track.seq, track.status, track.awaits_snapshot = max(track.seq, frame.seq), frame.status, False
        self._tell(track, frame)

    def _snapshot(self, frame: SnapshotFrame) -> None:
        asked = self._asked.pop(frame.ref, None) if frame.ref is not None else None
        for track in list(self._tracks.get(frame.token, ())):
            if not track.awaits_snapshot or _answers(asked, track):
                self._catch_up(track, frame)
        self._resuming.discard(frame.token)

    def _catch_up(self, track: TrackedJob, frame: SnapshotFrame) -> None:
        track.awaits_snapshot = False
        self._tell(track, frame)
        for event in missed_events(frame, track.seq, track.status):
            self._note(track, event)
        # It may be less than was seen: writes were lost, and what was seen above it no longer happened.
        track.seq, track.status = frame.seq, frame.status

    def _event(self, frame: EventFrame) -> None:
        tracks = [
            track for track in self._tracks.get(frame.token, ()) if not track.awaits_snapshot and frame.seq > track.seq
        ]
        if tracks:
            data = msgspec.json.decode(frame.data)
            event = Event(frame.event, data, frame.seq, frame.status, frame.at)
            for track in tracks:
                self._note(track, event)

    def _note(self, track: TrackedJob, event: Event) -> None:
        track.seq, track.status = event.seq, event.status
        self._tell(track, event)
        if event.final:
            track.ended = True
            self._drop(track)

    def _tell(self, track: TrackedJob, news: Event | Problem | Ack | SnapshotFrame) -> None:
        if not track.news:
            self._heard.append(track)
        track.news.append(news)

    def _error(self, frame: Error) -> None:
        if frame.ref is not None:
            self._refused(frame.ref, frame.problem)
        elif frame.token is not None:
            self._end(self._tracks.get(frame.token, ()), frame.problem)
        elif frame.problem.code in UNREADABLE_PROBLEMS:
            self._unread.refuse(frame.problem, self._asked)

    def _go_on(self) -> None:
        """After an answer: refuse what by now must be meant by a refusal without a ref, and send what may be sent."""
        for ref, why in self._unread.found(self._asked.keys()):
            self._refused(ref, why)
        self._send_submits()

    def _refused(self, ref: int, problem: Problem) -> None:
        self._in_flight.discard(ref)
        asked = self._asked.pop(ref, None)
        if problem.code == "draining":
            return  # that socket is about to close, and the next one is asked anyway
        match asked:
            case JobCommand():
                self._settle(asked, problem)
            case TrackedJob():
                self._end([asked], problem)
            case WatchRequest():
                self._watch_refused(asked, problem)

    def _watch_refused(self, asked: WatchRequest, problem: Problem) -> None:
        tracks = self._tracks.get(asked.token, ())
        if problem.code in TRANSIENT_PROBLEMS:
            self._later.append((asked.token, problem))
        elif problem.code == "unknown_token":
            self._end(tracks, problem)
        else:  # those who are being told go on
            self._end([track for track in tracks if _answers(asked, track)], problem)

    def _end(self, tracks: Iterable[TrackedJob], problem: Problem) -> None:
        """End what was refused for good."""
        for track in [track for track in tracks if not track.ended]:
            track.ended = True
            self._drop(track)
            self._tell(track, problem)

    def _suspect(self, under_way: Iterable[TrackedJob | JobCommand]) -> None:
        """Note under what a socket broke, and give up what breaks every one."""
        for one in under_way:
            one.broken += 1
            if one.broken < MAX_BROKEN:
                continue
            if isinstance(one, JobCommand):
                self._settle(one, too_many_breaks(one.broken))
            else:
                self._end([one], too_many_breaks(one.broken))

    def _settle(self, order: JobCommand, problem: Problem | None) -> None:
        if order not in self._unsettled:
            return
        del self._unsettled[order]
        # Asked again to stop, it may be told that the job has finished because it was asked before.
        repeated = order.sent > 1 and order.frame["type"] == "cancel"
        done_before = repeated and problem is not None and problem.code == "already_finished"
        order.problem = None if done_before else problem
        self._settled.append(order)

    def _drop(self, track: TrackedJob) -> None:
        self._unanswered.pop(track, None)
        tracks = self._tracks.get(track.token or "", [])
        if track in tracks:
            tracks.remove(track)
            if not tracks:
                assert track.token is not None
                del self._tracks[track.token]
                self._resuming.discard(track.token)

    # Frames out.

    def _send_submits(self) -> None:
        while self._submits and self._may_submit:
            track = self._submits.popleft()
            if not track.ended:  # forgotten while it waited
                assert track.submit is not None
                self._ask(track, track.submit)
        while (one := self._alone.next(self._asked.keys())) is not None:
            if isinstance(one, JobCommand):
                if one in self._unsettled:
                    self._alone.asked(self._ask(one, one.text))
            elif not one.ended:
                if not self._may_submit:
                    self._alone.put_back(one)
                    return
                assert one.submit is not None
                self._alone.asked(self._ask(one, one.submit))

    @property
    def _may_submit(self) -> bool:
        return self._limits is not None and len(self._in_flight) < self._limits.max_in_flight

    def _ask_watch(self, token: str) -> None:
        tracks = self._tracks.get(token)
        if tracks:
            after = min(track.seq for track in tracks)
            self._ask(
                WatchRequest(token, after), unchecked_request_text({"type": "watch", "token": token, "after": after})
            )

    def _order(self, frame: dict[str, Any]) -> JobCommand:
        order = JobCommand(frame)
        self._unsettled[order] = None
        self._ask(order, order.text)
        return order

    def _unwatch(self, token: str) -> None:
        if token not in self._tracks:
            self._ask(None, unchecked_request_text({"type": "unwatch", "token": token}))

    def _ask(self, asked: TrackedJob | JobCommand | WatchRequest | None, text: str) -> int:
        """Send a question if there is a socket, and return its ref; one that is too large is refused at once."""
        if self._limits is None:
            return 0
        ref = self.next_ref()
        if asked is not None:
            self._asked[ref] = asked
        frame = with_ref(ref, text)
        size = len(frame) if frame.isascii() else len(frame.encode())
        if size > self._limits.max_frame_bytes:
            self._refused(ref, _too_large(size, self._limits.max_frame_bytes))
            return ref
        if isinstance(asked, TrackedJob):
            self._in_flight.add(ref)
        elif isinstance(asked, JobCommand):
            asked.sent += 1
        self._outgoing.append(frame)
        return ref


def _token_of(track: TrackedJob) -> str:
    assert track.token is not None, "a handle is given out when the job has a token"
    return track.token


def _answers(asked: TrackedJob | JobCommand | WatchRequest | None, track: TrackedJob) -> bool:
    """Return whether the answer to a question tells a job's follower all that it has not seen."""
    return isinstance(asked, WatchRequest) and track.awaits_snapshot and asked.after <= track.seq


def _too_large(size: int, limit: int) -> Problem:
    return problem("too_large", f"{size} bytes; at most {limit} are taken: send less, or a reference", limit=limit)
