"""A client of a trial: submits and follows jobs over whatever sockets it can get, and records every frame.

It speaks the protocol itself, because the product's client would hide what the server does wrong.
"""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.typing import Subprotocol

from support.timeouts import scaled
from tidings.protocol.frames.messages import SUBPROTOCOL
from tidings.protocol.states import TERMINAL

from .checks.history import Acked, Asked, CancelAsked, Followed, History, Refused, Saw, Told

ANSWER_TIMEOUT_S = 5.0
"""Without an answer for so long, a client tries elsewhere."""

RETRY_S = 0.3
"""About how long what was refused for now waits before it is asked again."""

PASSING = frozenset({"store_unavailable", "rate_limited", "backlog_full", "draining", "internal_error"})


class Wish:
    """One job as one client follows it."""

    def __init__(self, asked: Asked | None, token: str = "") -> None:
        self.asked = asked
        self.token = token
        self.seq = 0
        self.ended = False
        self.ask_at = 0.0
        """When the next question is due; inf while an answer is awaited or events flow."""
        self.asked_at: float | None = None
        self.cancel_at = float("inf")


class Follower:
    """One client; `run` until cancelled."""

    def __init__(self, name: str, addresses: Sequence[str], history: History, seed: int) -> None:
        """Prepare.

        Args:
            name: in the history.
            addresses: of the sockets; the next is tried whenever one fails.
            history: what is learned goes there.
            seed: of the pauses.

        """
        self.name = name
        self._addresses = addresses
        self._next = 0
        self._history = history
        self._random = random.Random(seed)
        self._wishes: list[Wish] = []
        self._wanted = asyncio.Event()
        self._refs: dict[int, Wish] = {}
        self._named: dict[str, Wish] = {}
        """Jobs whose answer has come on this connection."""
        self._ref = 0
        self.connections = 0

    @property
    def unfinished(self) -> int:
        """How many jobs have not ended, as far as this client was told."""
        return len(self._wishes)

    def submit(self, asked: Asked) -> None:
        """Want a job, and follow it."""
        self._history.add(asked)
        self._want(Wish(asked))

    def follow(self, token: str) -> None:
        """Follow somebody's job."""
        self._history.add(Followed(self.name, token))
        self._want(Wish(None, token))

    def cancel(self, key: str, after: float) -> None:
        """Ask that a job stop, once it has been acked and some time has passed."""
        for wish in self._wishes:
            if wish.asked is not None and wish.asked.key == key:
                wish.cancel_at = self._now() + after

    async def run(self) -> None:
        """Connect, and connect again."""
        while True:
            address = self._addresses[self._next % len(self._addresses)]
            try:
                async with connect(
                    address,
                    subprotocols=[Subprotocol(SUBPROTOCOL)],
                    compression=None,
                    max_size=None,
                    open_timeout=scaled(ANSWER_TIMEOUT_S),
                    close_timeout=0.2,
                    ping_interval=2,
                    ping_timeout=scaled(ANSWER_TIMEOUT_S),
                ) as connection:
                    self.connections += 1
                    await self._talk(connection)
            except (OSError, InvalidHandshake, WebSocketException, TimeoutError, EOFError):
                pass  # the next connection asks again whatever has no answer
            self._next += 1
            await asyncio.sleep(self._random.uniform(0.05, RETRY_S))

    # One connection.

    async def _talk(self, connection: ClientConnection) -> None:
        self._refs.clear()
        self._named.clear()
        for wish in self._wishes:
            wish.ask_at, wish.asked_at = 0.0, None
        writer = asyncio.create_task(self._write(connection), name=f"{self.name} writer")
        reader = asyncio.create_task(self._read(connection), name=f"{self.name} reader")
        try:
            done, _ = await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (reader, writer):
                task.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)

    async def _read(self, connection: ClientConnection) -> None:
        async for text in connection:
            self._take(json.loads(text))

    async def _write(self, connection: ClientConnection) -> None:
        """Send what is due; return when an answer does not come."""
        while True:
            self._wanted.clear()
            now = self._now()
            for wish in list(self._wishes):
                if wish.asked_at is not None and now - wish.asked_at > scaled(ANSWER_TIMEOUT_S):
                    return
                for frame in self._due(wish, now):
                    await connection.send(json.dumps(frame))
            try:
                async with asyncio.timeout(0.2):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    def _due(self, wish: Wish, now: float) -> list[dict[str, Any]]:
        frames = []
        if wish.ask_at <= now:
            wish.ask_at, wish.asked_at = float("inf"), now
            frames.append(self._question(wish))
        if wish.cancel_at <= now and wish.token:
            wish.cancel_at = float("inf")
            self._history.add(CancelAsked(wish.token))
            frames.append({"type": "cancel", "ref": self._next_ref(), "token": wish.token})
        return frames

    def _question(self, wish: Wish) -> dict[str, Any]:
        ref = self._next_ref()
        self._refs[ref] = wish
        if wish.token:
            return {"type": "watch", "ref": ref, "token": wish.token, "after": wish.seq}
        assert wish.asked is not None
        fields = {"kind": wish.asked.kind, "input": wish.asked.input, "key": wish.asked.key}
        delay = {"delay": 0.3} if wish.asked.input["number"] % 11 == 0 else {}
        return {"type": "submit", "ref": ref, "correlation_id": wish.asked.key, **fields, **delay}

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "ack":
                self._acked(frame)
            case "snapshot":
                self._told(frame)
            case "event":
                self._saw(frame)
            case "error":
                self._refused(frame)

    def _acked(self, frame: dict[str, Any]) -> None:
        wish = self._refs[frame["ref"]]
        assert wish.asked is not None
        token, seq, duplicate = frame["token"], frame["seq"], frame["duplicate"]
        self._history.add(Acked(self.name, wish.asked.key, token, seq, duplicate))
        wish.token = token
        if not duplicate:  # of a duplicate a snapshot follows
            wish.seq, wish.asked_at = seq, None
            self._named[token] = wish

    def _told(self, frame: dict[str, Any]) -> None:
        token, seq, status = frame["token"], frame["seq"], frame["status"]
        wish = self._refs.get(frame["ref"]) or self._named.get(token)
        log = [(chunk["seq"], chunk["data"]) for chunk in frame["log"]]
        outcome = frame.get("result", frame.get("problem"))
        self._history.add(
            Told(self.name, token, seq, status, log, outcome, frame["truncated"], frame["rewound"])
        )  # fmt: skip
        if wish is not None:
            wish.asked_at = None
            wish.seq = max(wish.seq, seq)
            self._named[token] = wish
            self._end_if(wish, status)

    def _saw(self, frame: dict[str, Any]) -> None:
        token, event = frame["token"], frame["event"]
        wish = self._named.get(token)
        self._history.add(Saw(self.name, token, frame["seq"], event, frame["data"], known=wish is not None))
        if wish is not None:
            wish.seq = max(wish.seq, frame["seq"])
            self._end_if(wish, event)

    def _refused(self, frame: dict[str, Any]) -> None:
        problem, token = frame["problem"], frame.get("token")
        wish = self._refs.get(frame["ref"])
        if wish is None and token is None:
            return  # a cancel that came too late, or not at all
        if wish is None or problem["code"] not in PASSING:
            self._history.add(Refused(self.name, token or (wish.token if wish else ""), problem))
            return
        wish.asked_at = None
        wish.ask_at = self._now() + self._random.uniform(0.5, 1.5) * RETRY_S

    def _end_if(self, wish: Wish, status: str) -> None:
        if status in TERMINAL and not wish.ended:
            wish.ended = True
            self._wishes.remove(wish)

    def _want(self, wish: Wish) -> None:
        self._wishes.append(wish)
        self._wanted.set()

    def _next_ref(self) -> int:
        self._ref += 1
        return self._ref

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
