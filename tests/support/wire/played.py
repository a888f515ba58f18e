"""A real WebSocket server on which a test plays the server's part, frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from support.timeouts import scaled
from tidings.protocol.frames.messages import SUBPROTOCOL

STEP_TIMEOUT_S = 15.0

Frame = dict[str, Any]


class Stage:
    """One socket, as the server sees it."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection

    async def say(self, type_: str, **fields: Any) -> None:
        """Send a frame."""
        await self.connection.send(json.dumps({"type": type_, **fields}))

    async def hear(self, type_: str) -> Frame:
        """Return the next frame, which is of this type."""
        with anyio.fail_after(scaled(STEP_TIMEOUT_S)):
            frame: Frame = json.loads(await self.connection.recv())
        assert frame["type"] == type_, frame
        return frame

    async def hears_nothing(self) -> None:
        """See that the client has sent nothing: what it had sent would come before its pong."""
        with anyio.fail_after(scaled(STEP_TIMEOUT_S)):
            await (await self.connection.ping())
        try:
            async with asyncio.timeout(0):
                raise AssertionError(await self.connection.recv())
        except TimeoutError:
            return

    async def ack(self, frame: Frame, token: str, **fields: Any) -> None:
        """Ack a submit."""
        await self.say("ack", ref=frame["ref"], token=token, seq=1, **{"status": "queued", **fields})

    async def event(self, token: str, seq: int, name: str, data: Any = None) -> None:
        """Tell an event."""
        status = "running" if name in ("started", "progress", "log", "step") else name
        await self.say("event", token=token, seq=seq, at="", event=name, status=status, data=data or {})

    async def snapshot(self, frame: Frame, seq: int, **fields: Any) -> None:
        """Answer a watch."""
        said = {
            "attempt": 1, "kind": "k", "status": "running", "progress": None, "milestones": {}, "truncated": False,
            "rewound": False, "log": [],
        }  # fmt: skip
        await self.say("snapshot", ref=frame["ref"], token=frame["token"], seq=seq, **(said | fields))

    async def refuse(self, ref: int | None, code: str, detail: str = "no", **fields: Any) -> None:
        """Answer with a problem."""
        fixed = {"type": "urn:tidings:problem:" + code, "title": "t", "status": 400}
        await self.say("error", ref=ref, problem={**fixed, "code": code, "detail": detail, **fields})

    async def close(self, code: int) -> None:
        """Close the socket."""
        await self.connection.close(code)

    def cut(self) -> None:
        """Break the connection without a word."""
        self.connection.transport.abort()

    async def closed(self) -> int | None:
        """Return the code by which the client closed it, when it does."""
        with anyio.fail_after(scaled(STEP_TIMEOUT_S)):
            await self.connection.wait_closed()
        return self.connection.close_code


class PlayedServer:
    """Greets each socket, and asks it for a credential if it should; the rest is the test's."""

    def __init__(self) -> None:
        self.port = 0
        self.accepts: Callable[[str], bool] | None = None
        """Says whether a credential is good; None: none is asked for."""
        self.unavailable = 0
        """How often it cannot check a credential."""
        self.presented: list[str] = []
        """The credentials that were presented as the first frame."""
        self.limits: dict[str, float] = {
            "max_frame_bytes": 1_048_576, "max_depth": 64, "max_in_flight": 1_000, "max_watches": 10_000,
            "max_waiting_bytes": 8_388_608,
        }  # fmt: skip
        self.hello: dict[str, Any] = {}
        """What it says in `hello` beside what is always there."""
        self._stages: asyncio.Queue[Stage] = asyncio.Queue()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def stage(self) -> Stage:
        """Return the next socket that was opened, greeted and authenticated."""
        with anyio.fail_after(scaled(STEP_TIMEOUT_S)):
            return await self._stages.get()

    async def serve(self, connection: ServerConnection) -> None:
        """Serve one socket."""
        stage = Stage(connection)
        try:
            authenticated = self.accepts is None
            known = {"version": 1, "connection": "c", "limits": self.limits, "authenticated": authenticated}
            await stage.say("hello", **known, **self.hello)
            if self.accepts is not None and not await self._admits(stage, self.accepts):
                return
        except ConnectionClosed:
            return
        self._stages.put_nowait(stage)
        await connection.wait_closed()

    async def _admits(self, stage: Stage, accepts: Callable[[str], bool]) -> bool:
        frame = await stage.hear("auth")
        await stage.hears_nothing()
        self.presented.append(frame["credential"])
        if self.unavailable > 0:
            self.unavailable -= 1
            await stage.refuse(frame["ref"], "auth_unavailable", "nobody can check it", retry_after=0.01)
            return False
        if accepts(frame["credential"]):
            await stage.say("done", ref=frame["ref"])
            return True
        await stage.refuse(frame["ref"], "unauthenticated", "it has run out")
        await stage.close(4401)
        return False


@asynccontextmanager
async def played_server(port: int = 0) -> AsyncIterator[PlayedServer]:
    """Run one around the body."""
    played = PlayedServer()
    async with serve(
        played.serve, "127.0.0.1", port, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None, close_timeout=1
    ) as server:
        played.port = next(iter(server.sockets)).getsockname()[1]
        yield played
