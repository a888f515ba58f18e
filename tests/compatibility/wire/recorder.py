"""What is kept of a conversation: each kind of frame, answer, stream and delivery once, masked."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from compatibility.wire.masking import masked, shape
from support.timeouts import scaled
from tidings.protocol.states import TERMINAL

HEADERS = (
    "allow", "cache-control", "content-type", "etag", "location", "preference-applied", "retry-after",
    "tidings-attempt", "tidings-from", "tidings-next", "tidings-seq", "tidings-status", "vary", "www-authenticate",
    "x-content-type-options",
)  # fmt: skip

Recording = dict[str, dict[str, Any]]
"""By file: by name, what was said."""


class Recorder:
    """Keeps what is said by what it answers; of what is said several times the first."""

    def __init__(self) -> None:
        self.said: Recording = {"problems": {}, "socket": {}, "http": {}, "streams": {}, "webhooks": {}, "store": {}}
        self.frames: list[tuple[str, dict[str, Any]]] = []
        """Every frame as it was, with `client` or `server`."""
        self._kinds: dict[str, str] = {}

    def learn(self, token: str, kind: str) -> None:
        """Remember the kind of a job, by which its events are named."""
        self._kinds[token] = kind

    def keep(self, file: str, name: str, value: Any) -> None:
        self.said[file].setdefault(name, value)

    def frame(self, sender: str, step: str, frame: dict[str, Any]) -> None:
        self.frames.append((sender, frame))
        name = self._name(sender, step, frame)
        self.keep("socket", name, shape(frame) if frame["type"] == "overview" else masked(frame))

    def _name(self, sender: str, step: str, frame: dict[str, Any]) -> str:
        match frame["type"]:
            case "alive":
                return "alive"
            case "event":  # it may come in any step
                data = frame["data"] if frame["event"] == "step" else {}
                of = self._kinds[frame["token"]]
                return " ".join(filter(None, ["event", frame["event"], "of", of, data.get("name"), data.get("status")]))
            case "snapshot":
                answers = "" if frame["ref"] is not None else ", which answers none"
                return f"snapshot of {frame['kind']} {frame['status']}{answers}"
            case type_:
                return f"{step}: {sender} {type_} {frame.get('problem', {}).get('code', '')}".strip()

    def answer(self, name: str, answer: httpx.Response, *, only_shape: bool = False) -> Any:
        """Keep an answer; return its body."""
        headers = {header: answer.headers[header] for header in HEADERS if header in answer.headers}
        kind = answer.headers.get("content-type", "")
        if kind == "application/x-ndjson":
            body: Any = [json.loads(line) for line in answer.text.splitlines()]
        else:
            body = answer.json() if "json" in kind and answer.content else answer.text or None
        said = shape(body) if only_shape else masked(body)
        self.keep("http", name, {"status": answer.status_code, "headers": masked(headers), "body": said})
        return body


class Socket:
    """A client's end of a socket, whose every frame is recorded."""

    def __init__(self, recorder: Recorder, connection: ClientConnection) -> None:
        self._recorder = recorder
        self._connection = connection
        self._ref = 0
        self._kind = ""
        self._ended: set[str] = set()
        """Jobs whose last event has come, perhaps before the answer that was waited for."""
        self.step = "connect"

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(scaled(20)):
            frame: dict[str, Any] = json.loads(await self._connection.recv())
        if frame["type"] == "ack":
            self._recorder.learn(frame["token"], self._kind)
        elif frame["type"] == "snapshot":
            self._recorder.learn(frame["token"], frame["kind"])
        self._recorder.frame("server", self.step, frame)
        if frame.get("event") in TERMINAL:
            self._ended.add(frame["token"])
        return frame

    async def send(self, step: str, type_: str, **fields: Any) -> int:
        self.step, self._ref = step, self._ref + 1
        self._kind = str(fields.get("kind", ""))
        frame = {"type": type_, "ref": self._ref, **fields}
        self._recorder.frame("client", step, {**frame, **({"credential": "x"} if "credential" in frame else {})})
        await self._connection.send(json.dumps(frame))
        return self._ref

    async def ask(self, step: str, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a frame; return its answer."""
        ref = await self.send(step, type_, **fields)
        while (frame := await self.receive()).get("ref") != ref:
            pass
        return frame

    async def raw(self, step: str, text: str) -> None:
        """Send a text that is no frame; read what the server says of it."""
        self.step = step
        await self._connection.send(text)
        while (await self.receive())["type"] != "error":
            pass

    async def run(self, step: str, kind: str, until: str = "", **fields: Any) -> str:
        """Submit, and read to an event, or to the end; return the token."""
        ack = await self.ask(step, "submit", **{"kind": kind, "input": {}, **fields})
        await self.until(ack["token"], until)
        return str(ack["token"])

    async def until(self, token: str, event: str = "") -> None:
        while token not in self._ended:
            frame = await self.receive()
            if frame.get("token") == token and frame.get("event") == event:
                return

    async def goodbye(self, step: str) -> None:
        """Read until the server closes the socket."""
        self.step = step
        with suppress(ConnectionClosed):
            while True:
                await self.receive()
        self._recorder.keep("socket", f"{step}: close", {"code": self._connection.close_code})
