"""The ledger: what the client has asked, what it has been told, and what it must ask again. No I/O.

Whoever owns the socket feeds `receive` every frame, sends what `take` returns, and says when a socket
opened or broke. Rules:

* A submit is repeated on the next socket, under the same key, until it is answered.
* A job is watched again on the next socket from the last number seen, until it has ended.
* What a draining server refuses goes to the next one; a watch refused for now is asked again.
* An event whose number is not above the last seen is dropped; nothing comes after the terminal one.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from tidings.contract.event import FINAL_STATE
from tidings.contract.frame import (
    Ack,
    Alive,
    Done,
    Error,
    EventFrame,
    GoAway,
    Hello,
    LogChunk,
    Pong,
    ServerFrame,
    Snapshot,
    SnapshotFrame,
)
from tidings.contract.problem import Problem

_decode = msgspec.json.Decoder(ServerFrame).decode

PASSING = frozenset({"store_unavailable", "rate_limited", "internal_error"})
"""Problems of the server's, not of the question: a watch so refused is asked again."""
_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a job."""

    name: str
    """`queued`, `started`, `progress`, `log`, `retrying`, `succeeded`, …"""
    data: Any
    seq: int
    """Rises with every event of a job."""
    status: str
    """The job's state then."""
    at: str
    """RFC 3339, the store's clock; empty where only a snapshot told of it."""

    @property
    def final(self) -> bool:
        """Whether nothing follows it."""
        return self.name in FINAL_STATE


class Track:
    """One job as the client follows it."""

    def __init__(self, submit: dict[str, Any] | None, token: str | None = None, seq: int = 0) -> None:
        self.submit = submit
        """The frame to send until it is answered; None once it is, or if the job was not submitted here."""
        self.token = token
        self.seq = seq
        self.ended = False
        self.news: list[Event | Problem | Ack | SnapshotFrame] = []
        """What has been learned and not yet been looked at; a `Problem` refuses what was asked."""


class Ledger:
    """All jobs of one client."""

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self.goaway: GoAway | None = None
        """Set when the server asks this client to come back elsewhere."""
        self.cancels: list[tuple[int, Problem | None]] = []
        """Answers to `cancel`: the ref, and what was wrong if anything; to be taken by the owner."""
        self.later: list[Track] = []
        """Watches that were refused for now: to be passed to `again` after a while."""
        self._ref = 0
        self._outgoing: list[str] = []
        self._connected = False
        self._asked: dict[int, Track] = {}
        self._cancelling: set[int] = set()
        self._unanswered: list[Track] = []
        self._tracks: dict[str, list[Track]] = {}

    # What the user asks.

    def submit(self, fields: dict[str, Any]) -> Track:
        """Ask for work; `fields` are those of the frame, with a key."""
        assert fields.get("key"), "a submit without a key could not be repeated"
        return self._ask_first(Track({"type": "submit", **fields}))

    def watch(self, token: str, after: int) -> Track:
        """Ask for a job's events after a number."""
        return self._ask_first(Track(None, token, after))

    def cancel(self, track: Track) -> int:
        """Ask that a job stop; return the ref of the question."""
        ref = self._next_ref()
        self._cancelling.add(ref)
        self._send({"type": "cancel", "ref": ref, "token": track.token})
        return ref

    def again(self, track: Track) -> None:
        """Ask once more what was refused for now."""
        if self._connected and not track.ended:
            self._ask(track)

    def forget(self, track: Track) -> None:
        """Follow a job no more."""
        self._drop(track)
        if track.token is not None and track.token not in self._tracks:
            self._send({"type": "unwatch", "ref": self._next_ref(), "token": track.token})

    # What the socket does.

    def connected(self) -> None:
        """A socket is open: ask again whatever has no answer yet, and watch what goes on."""
        self._connected = True
        self._outgoing.clear()
        self._asked.clear()
        self.goaway = None
        for track in self._unanswered:
            self._ask(track)
        for tracks in self._tracks.values():
            for track in tracks:
                self._ask(track)

    def disconnected(self) -> None:
        """The socket broke; cancels that got no answer are to be asked again by who wants them."""
        self._connected = False
        self._outgoing.clear()
        self._asked.clear()
        self._cancelling.clear()
        self.later.clear()

    def take(self) -> list[str]:
        """Return the frames to send, and forget them."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def receive(self, text: str | bytes) -> list[Track]:
        """Take a frame; return the jobs that have `news`.

        Raises:
            msgspec.MsgspecError: it is not a frame of this protocol.

        """
        frame = _decode(text)
        match frame:
            case EventFrame():
                return self._event(frame)
            case Ack():
                return self._ack(frame)
            case SnapshotFrame():
                return self._snapshot(frame)
            case Error():
                return self._error(frame)
            case Done():
                self._answer_cancel(frame.ref, None)
            case Hello():
                self.hello = frame
            case GoAway():
                self.goaway = frame
            case Pong() | Alive():
                pass
        return []

    # Frames in.

    def _ack(self, frame: Ack) -> list[Track]:
        assert isinstance(frame.ref, int)
        track = self._asked.get(frame.ref)
        if track is None:
            return []
        if not frame.duplicate:  # of a duplicate the snapshot follows under the same ref
            del self._asked[frame.ref]
            track.seq = max(track.seq, frame.seq)
        track.submit = None
        self._answered(track, frame.token)
        track.news.append(frame)
        return [track]

    def _snapshot(self, frame: SnapshotFrame) -> list[Track]:
        asked = self._asked.pop(frame.ref, None) if frame.ref is not None else None
        if asked is not None:
            self._answered(asked, frame.token)
        tracks = list(self._tracks.get(frame.token, ()))
        for track in tracks:
            track.news.append(frame)
            for event in events_of(frame, track.seq):
                self._note(track, event)
            track.seq = frame.seq if frame.rewound else max(track.seq, frame.seq)
        return tracks

    def _event(self, frame: EventFrame) -> list[Track]:
        tracks = list(self._tracks.get(frame.token, ()))
        if tracks:
            data = msgspec.json.decode(frame.data)
            event = Event(frame.event, data, frame.seq, frame.status, frame.at)
            for track in tracks:
                self._note(track, event)
        return tracks

    def _error(self, frame: Error) -> list[Track]:
        if frame.ref is None:
            tracks = list(self._tracks.get(frame.token or "", ()))
        elif self._answer_cancel(frame.ref, frame.problem):
            tracks = []
        else:
            asked = self._asked.pop(frame.ref, None)
            tracks = [asked] if asked is not None else []
        return [track for track in tracks if self._refused(track, frame.problem)]

    def _refused(self, track: Track, problem: Problem) -> bool:
        """End a job that was refused for good; what was refused for now is asked again, and False returned."""
        if problem.code == "draining" or (problem.code in PASSING and track.submit is None):
            if problem.code != "draining":  # that socket is about to close, and the next one asks anyway
                self.later.append(track)
            return False
        self._drop(track)
        track.ended = True
        track.news.append(problem)
        return True

    def _note(self, track: Track, event: Event) -> None:
        if track.ended or event.seq <= track.seq:
            return
        track.seq = event.seq
        track.news.append(event)
        if event.final:
            track.ended = True
            self._drop(track)

    def _answered(self, track: Track, token: str) -> None:
        track.token = token
        if track in self._unanswered:
            self._unanswered.remove(track)
            self._tracks.setdefault(token, []).append(track)

    def _answer_cancel(self, ref: int, problem: Problem | None) -> bool:
        if ref not in self._cancelling:
            return False
        self._cancelling.discard(ref)
        self.cancels.append((ref, problem))
        return True

    def _drop(self, track: Track) -> None:
        if track in self._unanswered:
            self._unanswered.remove(track)
        tracks = self._tracks.get(track.token or "", [])
        if track in tracks:
            tracks.remove(track)
            if not tracks:
                del self._tracks[track.token or ""]

    # Frames out.

    def _ask_first(self, track: Track) -> Track:
        self._unanswered.append(track)
        if self._connected:
            self._ask(track)
        return track

    def _ask(self, track: Track) -> None:
        ref = self._next_ref()
        self._asked[ref] = track
        if track.submit is not None:
            self._send({"ref": ref, **track.submit})
        else:
            self._send({"type": "watch", "ref": ref, "token": track.token, "after": track.seq})

    def _send(self, frame: dict[str, Any]) -> None:
        if self._connected:
            self._outgoing.append(_encode(frame).decode())

    def _next_ref(self) -> int:
        self._ref += 1
        return self._ref


def events_of(snapshot: Snapshot, seen: int) -> Iterator[Event]:
    """Yield the events that a snapshot makes up for, to one who has seen everything up to `seen`."""
    for chunk in snapshot.log:
        yield _log_event(snapshot, chunk)
    last = max([seen, *(chunk.seq for chunk in snapshot.log)])
    if snapshot.status in FINAL_STATE.values():
        yield Event(snapshot.status, _final_data(snapshot), snapshot.seq, snapshot.status, _finished(snapshot))
    elif snapshot.seq > last and (progress := msgspec.json.decode(snapshot.progress)) is not None:
        yield Event("progress", progress, snapshot.seq, snapshot.status, "")


def _log_event(snapshot: Snapshot, chunk: LogChunk) -> Event:
    return Event("log", msgspec.json.decode(chunk.data), chunk.seq, snapshot.status, chunk.at)


def _final_data(snapshot: Snapshot) -> dict[str, Any]:
    if snapshot.status == "succeeded":
        return {"result": snapshot.result}
    if snapshot.status == "failed":
        return {"problem": snapshot.problem}
    return {}


def _finished(snapshot: Snapshot) -> str:
    return snapshot.milestones.get("finished", "")
