"""A client's end of a socket that shows every frame: for tests of the protocol itself."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from support.timeouts import scaled
from tidings.protocol.frames.messages import SUBPROTOCOL
from tidings.protocol.states import TERMINAL

FRAME_TIMEOUT_S = 15.0


class Peer:
    """Sends frames, and keeps what came by the ref or the token it belongs to."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.hello: dict[str, Any] = {}
        self.early: list[dict[str, Any]] = []
        """Events of a job that came before the answer that names it: must stay empty."""
        self._known: set[str] = set()
        self._answers: dict[int, dict[str, Any]] = {}
        """Answers that came while an event was waited for."""
        self._ends: dict[str, dict[str, Any]] = {}
        """Last events of jobs that came while something else was waited for."""
        self._ref = 0

    async def send(self, type_: str, **fields: Any) -> int:
        """Send a frame under a fresh ref, and return the ref."""
        self._ref += 1
        await self.connection.send(json.dumps({"type": type_, "ref": self._ref, **fields}))
        return self._ref

    async def receive(self) -> dict[str, Any]:
        """Return the next frame."""
        with anyio.fail_after(scaled(FRAME_TIMEOUT_S)):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
        if frame["type"] in ("ack", "snapshot"):
            self._known.add(frame["token"])
        elif frame["type"] == "event" and frame["token"] not in self._known:
            self.early.append(frame)
        return frame

    async def answer(self, ref: int) -> dict[str, Any]:
        """Return the frame that answers `ref`; of events that come first, only the last one of each job is kept."""
        while ref not in self._answers:
            self._keep(await self.receive())
        return self._answers.pop(ref)

    def _keep(self, frame: dict[str, Any]) -> None:
        if frame.get("ref") is not None:
            self._answers[frame["ref"]] = frame
        elif frame["type"] == "event" and frame["event"] in TERMINAL:
            self._ends[frame["token"]] = frame

    async def ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a frame and return its answer."""
        return await self.answer(await self.send(type_, **fields))

    async def submit(self, kind: str, input: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """Submit, and return the ack or the error."""
        return await self.ask("submit", kind=kind, input=input or {}, **fields)

    async def until(self, token: str, *names: str) -> list[dict[str, Any]]:
        """Return the events of a job up to the first of `names` (default: the terminal one)."""
        events: list[dict[str, Any]] = []
        wanted = set(names) or TERMINAL
        end = self._ends.pop(token, None)
        if end is not None and end["event"] in wanted:
            return [end]
        while True:
            frame = await self.receive()
            if frame["type"] == "event" and frame["token"] == token:
                events.append(frame)
                if frame["event"] in wanted:
                    return events
            else:
                self._keep(frame)

    async def cancel(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Cancel a job; return the answer and the job's last event, in whichever order they come."""
        ref = await self.send("cancel", token=token)
        answer: dict[str, Any] = {}
        end: dict[str, Any] = {}
        while not (answer and end):
            frame = await self.receive()
            if frame.get("ref") == ref:
                answer = frame
            elif frame["type"] == "event" and frame["token"] == token and frame["event"] in TERMINAL:
                end = frame
        return answer, end

    async def ends(self, *tokens: str) -> dict[str, str]:
        """Return how some jobs end: their last events' names."""
        found = {token: self._ends.pop(token)["status"] for token in tokens if token in self._ends}
        while set(tokens) - set(found):
            frame = await self.receive()
            if frame["type"] in ("event", "snapshot") and frame.get("status") in TERMINAL and frame["token"] in tokens:
                found[frame["token"]] = frame["status"]
        return found

    async def run(self, kind: str, input: dict[str, Any] | None = None, **fields: Any) -> list[dict[str, Any]]:
        """Submit and return all events."""
        ack = await self.submit(kind, input, **fields)
        assert ack["type"] == "ack", ack
        return await self.until(ack["token"])


@asynccontextmanager
async def peer(url: str, **options: Any) -> AsyncIterator[Peer]:
    """Open a socket around the body; its hello has been read."""
    async with connect(
        url,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        compression=None,
        max_size=None,
        **options,
    ) as connection:
        one = Peer(connection)
        one.hello = await one.receive()
        yield one
