"""The ledger: what the client has asked, what it has been told, and what it must ask again. No I/O.

Whoever owns the socket feeds `receive` every frame, sends what `take` returns, and says when a socket
may be used or broke. Rules:

* A submit waits while as many are in flight as the connection allows. It is repeated on the next socket,
  under the same key, until it is answered.
* A cancel or a signal is repeated too: asked twice a cancel does no harm, and a signal has a key.
* A job is watched again on the next socket from the last number seen, until it has ended. Several may follow
  one job; the server is asked once, from the lowest number that any of them has seen.
* What a draining server refuses goes to the next one; a watch refused for now is asked again.
* What is larger than a frame may be is refused here: the server would close the socket for it.
* An event whose number is not above the last seen is dropped; nothing comes after the terminal one.
"""

from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import Any, NamedTuple

import msgspec

from tidings.contract.frame import Ack, Done, Error, EventFrame, Limits, ServerFrame, SnapshotFrame
from tidings.contract.problem import Problem, problem

from .event import Event, missed

PASSING = frozenset({"store_unavailable", "rate_limited", "internal_error"})
"""Problems of the server's, not of the question: a watch so refused is asked again."""

_encode = msgspec.json.Encoder().encode


class Track:
    """One job as the client follows it."""

    def __init__(self, submit: dict[str, Any] | None, token: str | None = None, seq: int = 0) -> None:
        self.submit = submit
        """The frame to send until it is answered; None once it is, or if the job was not submitted here."""
        self.token = token
        self.seq = seq
        self.status: str | None = None
        """The state last told of."""
        self.ended = False
        self.behind = True
        """Events wait for the answer that says from where they go on; until then what comes is in that answer too."""
        self.news: list[Event | Problem | Ack | SnapshotFrame] = []
        """What has been learned and not yet been looked at; a `Problem` refuses what was asked."""


class Order:
    """What a job is told: to stop, or a signal."""

    def __init__(self, frame: dict[str, Any]) -> None:
        self.frame = frame
        """What to send until it is answered."""
        self.sent = 0
        """How often it has been asked."""
        self.problem: Problem | None = None
        """Why it was refused, once it is settled; None: it was not."""


class _Watch(NamedTuple):
    """A question about a job, and from which number on."""

    token: str
    after: int


class Ledger:
    """All jobs of one client."""

    def __init__(self) -> None:
        self._refs = count(1)
        self._limits: Limits | None = None
        """Those of the socket there is; None: there is none that may be used."""
        self._outgoing: list[str] = []
        self._asked: dict[int, Track | Order | _Watch] = {}
        """What this socket was asked and has not answered, by ref."""
        self._in_flight: set[int] = set()
        """Refs of the submits that the server counts as waiting for their ack."""
        self._submits: deque[Track] = deque()
        """Submits to be sent as soon as they may."""
        self._unanswered: dict[Track, None] = {}
        """All submits without an answer, sent or not, in the order in which they were asked."""
        self._unsettled: dict[Order, None] = {}
        """All orders without an answer."""
        self._tracks: dict[str, list[Track]] = {}
        self._resuming: set[str] = set()
        """Jobs followed when the socket opened, of which nothing has been heard on it."""
        self._heard: list[Track] = []
        self._settled: list[Order] = []
        self._later: list[tuple[str, Problem]] = []

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

    def submit(self, fields: dict[str, Any]) -> Track:
        """Ask for work; `fields` are those of the frame, with a key."""
        assert fields.get("key"), "a submit without a key could not be repeated"
        track = Track({"type": "submit", **fields})
        self._unanswered[track] = None
        self._submits.append(track)
        self._send_submits()
        return track

    def watch(self, token: str, after: int) -> Track:
        """Ask for a job's events after a number."""
        track = Track(None, token, after)
        self._tracks.setdefault(token, []).append(track)
        self._ask_watch(token)
        return track

    def cancel(self, track: Track) -> Order:
        """Ask that a job stop."""
        return self._order({"type": "cancel", "token": _token_of(track)})

    def signal(self, track: Track, name: str, value: bytes, key: str) -> Order:
        """Give a job a signal; `value` is JSON."""
        assert key, "a signal without a key could not be repeated"
        frame = {"type": "signal", "token": _token_of(track), "name": name, "input": msgspec.Raw(value), "key": key}
        return self._order(frame)

    def again(self, token: str) -> None:
        """Ask once more for a job whose watch was refused for now."""
        self._ask_watch(token)

    def forget(self, track: Track) -> None:
        """Follow a job no more; a submit that was not sent never will be."""
        track.ended = True
        self._drop(track)
        if track.token is not None:
            self._unwatch(track.token)

    def withdraw(self, order: Order) -> None:
        """Give an order no more; the server may have it."""
        self._unsettled.pop(order, None)

    # What the socket does.

    def connected(self, limits: Limits) -> None:
        """A socket may be used: ask again whatever has no answer yet, and watch what goes on."""
        self._limits = limits
        self._resuming = set(self._tracks)
        for token, tracks in list(self._tracks.items()):
            for track in tracks:
                track.behind = True
            self._ask_watch(token)
        for order in list(self._unsettled):
            self._ask(order, order.frame)
        self._submits = deque(self._unanswered)
        self._send_submits()

    def disconnected(self) -> None:
        """The socket broke, and with it whatever it was asked."""
        self._limits = None
        self._outgoing.clear()
        self._asked.clear()
        self._in_flight.clear()
        self._resuming.clear()
        self._later.clear()

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
                if isinstance(asked, Order):
                    self._settle(asked, None)

    # What has been learned, each time since the last call.

    def heard(self) -> list[Track]:
        """Return the jobs that have `news`."""
        heard, self._heard = self._heard, []
        return heard

    def settled(self) -> list[Order]:
        """Return the orders that have been answered."""
        settled, self._settled = self._settled, []
        return settled

    def postponed(self) -> list[tuple[str, Problem]]:
        """Return the tokens whose watch was refused for now: to be passed to `again` after a while."""
        later, self._later = self._later, []
        return later

    # Frames in.

    def _ack(self, frame: Ack) -> None:
        assert isinstance(frame.ref, int)
        self._in_flight.discard(frame.ref)
        track = self._asked.pop(frame.ref, None)
        if isinstance(track, Track):
            self._acked(track, frame, frame.ref)
        self._send_submits()

    def _acked(self, track: Track, frame: Ack, ref: int) -> None:
        self._unanswered.pop(track, None)
        if frame.duplicate:  # the earlier job's snapshot follows under the same ref
            self._asked[ref] = _Watch(frame.token, 0)
        if track.ended:  # forgotten meanwhile, which the server cannot know
            self._unwatch(frame.token)
            return
        track.submit, track.token = None, frame.token
        self._tracks.setdefault(frame.token, []).append(track)
        if not frame.duplicate:
            track.seq, track.status, track.behind = max(track.seq, frame.seq), frame.status, False
        self._tell(track, frame)

    def _snapshot(self, frame: SnapshotFrame) -> None:
        asked = self._asked.pop(frame.ref, None) if frame.ref is not None else None
        for track in list(self._tracks.get(frame.token, ())):
            if not track.behind or _answers(asked, track):
                self._catch_up(track, frame)
        self._resuming.discard(frame.token)

    def _catch_up(self, track: Track, frame: SnapshotFrame) -> None:
        track.behind = False
        self._tell(track, frame)
        for event in missed(frame, track.seq, track.status):
            self._note(track, event)
        # It may be less than was seen: writes were lost, and what was seen above it no longer happened.
        track.seq, track.status = frame.seq, frame.status

    def _event(self, frame: EventFrame) -> None:
        tracks = [track for track in self._tracks.get(frame.token, ()) if not track.behind and frame.seq > track.seq]
        if tracks:
            data = msgspec.json.decode(frame.data)
            event = Event(frame.event, data, frame.seq, frame.status, frame.at)
            for track in tracks:
                self._note(track, event)

    def _note(self, track: Track, event: Event) -> None:
        track.seq, track.status = event.seq, event.status
        self._tell(track, event)
        if event.final:
            track.ended = True
            self._drop(track)

    def _tell(self, track: Track, news: Event | Problem | Ack | SnapshotFrame) -> None:
        if not track.news:
            self._heard.append(track)
        track.news.append(news)

    def _error(self, frame: Error) -> None:
        if frame.ref is None:
            self._end(self._tracks.get(frame.token or "", ()), frame.problem)
            return
        self._refused(frame.ref, frame.problem)
        self._send_submits()

    def _refused(self, ref: int, problem: Problem) -> None:
        self._in_flight.discard(ref)
        asked = self._asked.pop(ref, None)
        if problem.code == "draining":
            return  # that socket is about to close, and the next one is asked anyway
        match asked:
            case Order():
                self._settle(asked, problem)
            case Track():
                self._end([asked], problem)
            case _Watch():
                self._watch_refused(asked, problem)

    def _watch_refused(self, asked: _Watch, problem: Problem) -> None:
        tracks = self._tracks.get(asked.token, ())
        if problem.code in PASSING:
            self._later.append((asked.token, problem))
        elif problem.code == "unknown_token":
            self._end(tracks, problem)
        else:  # those who are being told go on
            self._end([track for track in tracks if _answers(asked, track)], problem)

    def _end(self, tracks: Iterable[Track], problem: Problem) -> None:
        """End what was refused for good."""
        for track in [track for track in tracks if not track.ended]:
            track.ended = True
            self._drop(track)
            self._tell(track, problem)

    def _settle(self, order: Order, problem: Problem | None) -> None:
        if order not in self._unsettled:
            return
        del self._unsettled[order]
        # Asked again to stop, it may be told that the job has finished because it was asked before.
        repeated = order.sent > 1 and order.frame["type"] == "cancel"
        done_before = repeated and problem is not None and problem.code == "already_finished"
        order.problem = None if done_before else problem
        self._settled.append(order)

    def _drop(self, track: Track) -> None:
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
        while self._submits and self._limits is not None and len(self._in_flight) < self._limits.max_in_flight:
            track = self._submits.popleft()
            if not track.ended:  # forgotten while it waited
                assert track.submit is not None
                self._ask(track, track.submit)

    def _ask_watch(self, token: str) -> None:
        tracks = self._tracks.get(token)
        if tracks:
            after = min(track.seq for track in tracks)
            self._ask(_Watch(token, after), {"type": "watch", "token": token, "after": after})

    def _order(self, frame: dict[str, Any]) -> Order:
        order = Order(frame)
        self._unsettled[order] = None
        self._ask(order, frame)
        return order

    def _unwatch(self, token: str) -> None:
        if token not in self._tracks:
            self._ask(None, {"type": "unwatch", "token": token})

    def _ask(self, asked: Track | Order | _Watch | None, frame: dict[str, Any]) -> None:
        """Send a question if there is a socket; one that is too large is refused at once."""
        if self._limits is None:
            return
        ref = self.next_ref()
        if asked is not None:
            self._asked[ref] = asked
        text = _encode({"ref": ref, **frame})
        if len(text) > self._limits.max_frame_bytes:
            self._refused(ref, _too_large(len(text), self._limits.max_frame_bytes))
            return
        if isinstance(asked, Track):
            self._in_flight.add(ref)
        elif isinstance(asked, Order):
            asked.sent += 1
        self._outgoing.append(text.decode())


def _token_of(track: Track) -> str:
    assert track.token is not None, "a handle is given out when the job has a token"
    return track.token


def _answers(asked: Track | Order | _Watch | None, track: Track) -> bool:
    """Return whether the answer to a question tells a job's follower all that it has not seen."""
    return isinstance(asked, _Watch) and track.behind and asked.after <= track.seq


def _too_large(size: int, limit: int) -> Problem:
    return problem("too_large", f"{size} bytes; at most {limit} are taken: send less, or a reference", limit=limit)
