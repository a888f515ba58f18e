"""What tests of the client's protocol ask, answer and read."""

from typing import Any

import msgspec

from client.model import LIMITS, Frame
from tidings.client.protocol.client_protocol import ClientProtocol
from tidings.client.protocol.tracked_job import TrackedJob
from tidings.protocol.frames.messages import ServerFrame
from tidings.protocol.problems import Problem, problem

TOKEN = "default." + "a" * 22


def feed(ledger: ClientProtocol, frame: Frame) -> None:
    ledger.receive(msgspec.json.decode(msgspec.json.encode(frame), type=ServerFrame))


def taken(ledger: ClientProtocol) -> list[Frame]:
    return [msgspec.json.decode(frame) for frame in ledger.take()]


def submitted(ledger: ClientProtocol, count: int) -> list[TrackedJob]:
    return [ledger.submit({"kind": "k", "input": {}, "key": f"k{n}"}) for n in range(count)]


def problems(track: TrackedJob) -> list[str]:
    return [one.code for one in track.news if isinstance(one, Problem)]


def unread() -> Frame:
    return {"type": "error", "ref": None, "problem": wire(problem("invalid_frame", "not JSON"))}


def again(ledger: ClientProtocol) -> ClientProtocol:
    """Break the socket and open another."""
    ledger.disconnected()
    ledger.connected(LIMITS)
    return ledger


def wire(problem: Problem) -> Frame:
    frame: Frame = msgspec.to_builtins(problem)
    return frame


def event(seq: int, name: str) -> Frame:
    status = "running" if name == "log" else name
    data = {"result": None} if name == "succeeded" else {}
    return {"type": "event", "token": TOKEN, "seq": seq, "at": "", "event": name, "status": status, "data": data}


def snapshot(ref: int | None, seq: int, status: str = "running", **fields: Any) -> Frame:
    return {"type": "snapshot", "ref": ref, "token": TOKEN, "seq": seq, "attempt": 1, "kind": "k", "status": status,
            "progress": None, "milestones": {}, "truncated": False, "rewound": False, "log": [], **fields}  # fmt: skip
