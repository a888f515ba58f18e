"""A server that never forgets, as far as a ledger can see one: what the properties are tested against."""

from typing import Any

from tidings.protocol.events import FINAL_STATE
from tidings.protocol.frames.limits import Limits

LIMITS = Limits(max_frame_bytes=10_000, max_depth=64, max_in_flight=2, max_watches=100, max_waiting_bytes=1_000_000)

Frame = dict[str, Any]


class ModelServer:
    """Jobs by key, each with events made in advance; the ack has number 1, and number n is at index n - 2."""

    def __init__(self, scripts: dict[str, list[str]]) -> None:
        self.jobs: dict[str, list[Frame]] = {}
        self.reached: dict[str, int] = {}
        """Token → number of the last event that has happened."""
        self._scripts = scripts
        self._tokens: dict[str, str] = {}
        self.signals: dict[tuple[str, str], int] = {}
        """Token and key → what the signal said, in the order in which they came."""
        self._watched: set[str] = set()
        """Tokens watched on the present socket."""

    def broke(self) -> None:
        """Forget the socket."""
        self._watched.clear()

    def answer(self, frame: Frame) -> list[Frame]:
        """Return what a frame is answered with."""
        ref = frame["ref"]
        match frame["type"]:
            case "submit":
                return self._submit(ref, frame["key"])
            case "watch":
                self._watched.add(frame["token"])
                return [self._snapshot(frame["token"], ref, frame["after"])]
            case "cancel":
                return [self._cancel(ref, frame["token"])]
            case "signal":
                return [self._signal(ref, frame)]
        assert frame["type"] == "unwatch"
        self._watched.discard(frame["token"])
        return [{"type": "done", "ref": ref}]

    def step(self, token: str) -> Frame | None:
        """Let a job go one event further; return it if the present socket watches."""
        if self.ended(token):
            return None
        self.reached[token] += 1
        event = self.jobs[token][self.reached[token] - 2]
        return {"type": "event", "token": token, "seq": self.reached[token], "at": "", **event} if (
            token in self._watched
        ) else None  # fmt: skip

    def ended(self, token: str) -> bool:
        """Whether a job has had its last event."""
        return self.reached[token] - 1 == len(self.jobs[token])

    def status(self, token: str, seq: int) -> str:
        """Return a job's state after the event of a number."""
        return "queued" if seq == 1 else str(self.jobs[token][seq - 2]["status"])

    def _submit(self, ref: int, key: str) -> list[Frame]:
        duplicate = key in self._tokens
        token = self._tokens.setdefault(key, f"default.{len(self._tokens):022d}")
        if not duplicate:
            self.jobs[token], self.reached[token] = story(self._scripts[key]), 1
        self._watched.add(token)
        status = self.status(token, self.reached[token])
        ack = {"type": "ack", "ref": ref, "token": token, "status": status, "seq": 1, "duplicate": duplicate}
        return [ack, self._snapshot(token, ref, 0)] if duplicate else [ack]

    def _cancel(self, ref: int, token: str) -> Frame:
        if self.ended(token):
            return _finished(ref)
        happened = self.jobs[token][: self.reached[token] - 1]
        self.jobs[token] = [*happened, {"event": "cancelled", "status": "cancelled", "data": {}}]
        return {"type": "done", "ref": ref}

    def _signal(self, ref: int, frame: Frame) -> Frame:
        mark = (frame["token"], frame["key"])
        if mark not in self.signals:
            if self.ended(frame["token"]):
                return _finished(ref)
            self.signals[mark] = frame["input"]
        return {"type": "done", "ref": ref}

    def _snapshot(self, token: str, ref: int, after: int) -> Frame:
        seq = self.reached[token]
        status = self.status(token, seq)
        happened = list(enumerate(self.jobs[token][: seq - 1], start=2))
        progress = [event["data"] for _, event in happened if event["event"] == "progress"]
        return {
            "type": "snapshot", "ref": ref, "token": token, "seq": seq, "attempt": 1, "kind": "k", "status": status,
            "progress": progress[-1] if progress else None,
            **({"result": self.jobs[token][-1]["data"]["result"]} if status == "succeeded" else {}),
            "milestones": {}, "truncated": False, "rewound": False,
            "log": [
                {"seq": n, "at": "", "data": event["data"]}
                for n, event in happened
                if event["event"] == "log" and n > after
            ],
        }  # fmt: skip


def _finished(ref: int) -> Frame:
    fixed = {"type": "t", "title": "t", "status": 409, "detail": "d"}
    return {"type": "error", "ref": ref, "problem": {**fixed, "code": "already_finished"}}


def story(script: list[str]) -> list[Frame]:
    """Return the events of a job whose handler logs, reports and fails as `script` says."""
    events: list[Frame] = [{"event": "started", "status": "running", "data": {}}]
    for n, name in enumerate(script):
        match name:
            case "log":
                events.append({"event": "log", "status": "running", "data": n})
            case "progress":
                data = {"fraction": None, "message": str(n), "data": None}
                events.append({"event": "progress", "status": "running", "data": data})
            case "retry":
                events.append({"event": "retrying", "status": "scheduled", "data": {}})
                events.append({"event": "queued", "status": "queued", "data": {}})
                events.append({"event": "started", "status": "running", "data": {}})
    events.append({"event": "succeeded", "status": "succeeded", "data": {"result": len(script)}})
    assert events[-1]["status"] in FINAL_STATE.values()
    return events
