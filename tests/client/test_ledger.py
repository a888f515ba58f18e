"""The ledger beside a model server: whatever breaks, each job is told whole, once and in order."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tidings.client.ledger import Event, Ledger, Track
from tidings.contract.frame import Ack, SnapshotFrame


class ModelServer:
    """A server that never forgets: jobs by key, each with a list of events made in advance."""

    def __init__(self) -> None:
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self.tokens: dict[str, str] = {}
        self.watched: dict[str, int] = {}
        """Token → number last sent on the present socket."""
        self.reached: dict[str, int] = {}
        """Token → number of the last event that has happened."""

    def run(self, script: list[str]) -> list[dict[str, Any]]:
        """Return the events of a job whose handler logs or reports as `script` says."""
        events: list[dict[str, Any]] = [{"event": "started", "status": "running", "data": {}}]
        for n, name in enumerate(script):
            data = {"fraction": None, "message": str(n), "data": None} if name == "progress" else n
            events.append({"event": name, "status": "running", "data": data})
        events.append({"event": "succeeded", "status": "succeeded", "data": {"result": len(script)}})
        return events

    def answer(self, frame: dict[str, Any], script: list[str]) -> list[dict[str, Any]]:
        if frame["type"] == "submit":
            token = self.tokens.get(frame["key"])
            duplicate = token is not None
            if token is None:
                token = self.tokens[frame["key"]] = f"default.{len(self.tokens):022d}"
                self.jobs[token] = self.run(script)
            ack = {
                "type": "ack",
                "ref": frame["ref"],
                "token": token,
                "status": "queued",
                "seq": 1,
                "duplicate": duplicate,
            }
            if duplicate:
                return [ack, self.snapshot(token, frame["ref"], 0)]
            self.watched[token] = 1
            return [ack]
        assert frame["type"] == "watch"
        return [self.snapshot(frame["token"], frame["ref"], frame["after"])]

    def snapshot(self, token: str, ref: int, after: int) -> dict[str, Any]:
        """Return where the job stands: as far as `reached`, or further."""
        seq = max(after, self.reached.get(token, 1))
        self.watched[token] = seq
        events = self.jobs[token][: seq - 1]
        chunks = [(n + 2, event) for n, event in enumerate(events) if event["event"] == "log"]
        progress = [event["data"] for event in events if event["event"] == "progress"]
        ended = seq - 1 == len(self.jobs[token])
        return {
            "type": "snapshot", "ref": ref, "token": token, "seq": seq, "attempt": 1, "kind": "k",
            "status": "succeeded" if ended else "running",
            "progress": progress[-1] if progress else None,
            **({"result": events[-1]["data"]["result"]} if ended else {}),
            "milestones": {}, "truncated": False, "rewound": False,
            "log": [{"seq": n, "at": "", "data": event["data"]} for n, event in chunks if n > after],
        }  # fmt: skip

    def step(self, token: str) -> dict[str, Any] | None:
        """Let the job go one event further; return it if the present socket watches."""
        reached = self.reached.get(token, 1)
        events = self.jobs[token]
        if reached - 1 == len(events):
            return None
        self.reached[token] = reached + 1
        if token not in self.watched:
            return None
        self.watched[token] = reached + 1
        return {"type": "event", "token": token, "seq": reached + 1, "at": "", **events[reached - 1]}


def feed(ledger: Ledger, frame: dict[str, Any], seen: dict[Track, list[Any]]) -> None:
    for track in ledger.receive(msgspec.json.encode(frame)):
        seen.setdefault(track, []).extend(track.news)
        track.news = []


scripts = st.lists(st.lists(st.sampled_from(["log", "progress"]), max_size=8), min_size=1, max_size=3)
moves = st.lists(st.sampled_from(["deliver", "lose", "step", "step", "break"]), max_size=60)


@given(scripts, moves, st.randoms(use_true_random=False))
def test_every_job_is_told_whole_once_and_in_order(scripts: list[list[str]], moves: list[str], random: Any) -> None:
    ledger, server = Ledger(), ModelServer()
    seen: dict[Track, list[Any]] = {}
    tracks = [ledger.submit({"kind": "k", "input": {}, "key": f"k{n}"}) for n in range(len(scripts))]
    by_key = {f"k{n}": script for n, script in enumerate(scripts)}
    ledger.connected()
    wire = [msgspec.json.decode(frame) for frame in ledger.take()]
    for move in [*moves, *["deliver"] * 200, *["step"] * 200, "break", *["deliver"] * 200, *["step"] * 200]:
        if move == "deliver" and wire:
            frame = wire.pop(0)
            for answer in server.answer(frame, by_key.get(frame.get("key", ""), [])):
                feed(ledger, answer, seen)
        elif move == "lose" and wire:  # the server did it, and the answer was lost with the socket
            frame = wire.pop(0)
            server.answer(frame, by_key.get(frame.get("key", ""), []))
        elif move == "step" and server.jobs:
            event = server.step(random.choice(sorted(server.jobs)))
            if event is not None:
                feed(ledger, event, seen)
        if move in ("break", "lose"):
            ledger.disconnected()
            server.watched.clear()
            ledger.connected()
            wire = [msgspec.json.decode(frame) for frame in ledger.take()]
        wire += [msgspec.json.decode(frame) for frame in ledger.take()]
    while any(server.reached.get(token, 1) - 1 < len(events) for token, events in server.jobs.items()):
        for token in server.jobs:
            event = server.step(token)
            if event is not None:
                feed(ledger, event, seen)
    assert len(server.jobs) == len(scripts)
    for script, track in zip(scripts, tracks, strict=True):
        check_story(script, seen[track])
        assert track.ended


def check_story(script: list[str], news: list[Any]) -> None:
    events = [one for one in news if isinstance(one, Event)]
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers))
    chunks = [event.data for event in events if event.name == "log"]
    assert chunks == [n for n, name in enumerate(script) if name == "log"]
    assert [event.name for event in events if event.final] == ["succeeded"]
    assert events[-1].data == {"result": len(script)}
    assert isinstance(news[0], Ack | SnapshotFrame)


def test_a_refusal_ends_the_track_with_the_problem() -> None:
    ledger = Ledger()
    ledger.connected()
    track = ledger.submit({"kind": "k", "input": {}, "key": "k"})
    ref = msgspec.json.decode(ledger.take()[0])["ref"]
    problem = {"type": "t", "title": "t", "status": 404, "detail": "d", "code": "unknown_kind"}
    assert ledger.receive(msgspec.json.encode({"type": "error", "ref": ref, "problem": problem})) == [track]
    assert track.news[0].code == "unknown_kind"  # type: ignore[union-attr]
    ledger.disconnected()
    ledger.connected()
    assert ledger.take() == []


def test_what_is_refused_for_now_is_asked_again_and_what_drains_goes_to_the_next_server() -> None:
    ledger = Ledger()
    ledger.connected()
    watch = ledger.watch("default." + "a" * 22, 3)
    submit = ledger.submit({"kind": "k", "input": {}, "key": "k"})
    refs = [msgspec.json.decode(frame)["ref"] for frame in ledger.take()]
    for ref, code in zip(refs, ("store_unavailable", "draining"), strict=True):
        problem = {"type": "t", "title": "t", "status": 503, "detail": "d", "code": code}
        assert ledger.receive(msgspec.json.encode({"type": "error", "ref": ref, "problem": problem})) == []
    assert ledger.later == [watch]
    ledger.again(ledger.later.pop())
    (again,) = [msgspec.json.decode(frame) for frame in ledger.take()]
    assert (again["type"], again["after"]) == ("watch", 3)
    ledger.disconnected()
    ledger.connected()
    assert [msgspec.json.decode(frame)["type"] for frame in ledger.take()] == ["watch", "submit"]
    assert not submit.ended


def test_two_tracks_of_one_job_both_hear_it() -> None:
    ledger = Ledger()
    ledger.connected()
    tracks = [ledger.watch("default." + "a" * 22, 0) for _ in range(2)]
    refs = [msgspec.json.decode(frame)["ref"] for frame in ledger.take()]
    snapshot = {"type": "snapshot", "token": "default." + "a" * 22, "seq": 1, "attempt": 0, "kind": "k",
                "status": "queued", "progress": None, "milestones": {}, "truncated": False, "rewound": False,
                "log": []}  # fmt: skip
    for ref in refs:
        ledger.receive(msgspec.json.encode({**snapshot, "ref": ref}))
    event = {"type": "event", "token": "default." + "a" * 22, "seq": 2, "at": "", "event": "cancelled",
             "status": "cancelled", "data": {}}  # fmt: skip
    assert ledger.receive(msgspec.json.encode(event)) == tracks
    assert all(track.ended for track in tracks)
