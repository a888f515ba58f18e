"""A client of a trial: it submits jobs under keys until each is acknowledged, and notes all that it is told."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from support.timeouts import scaled
from tidings.protocol.frames.messages import SUBPROTOCOL
from tidings.protocol.states import TERMINAL

ANSWER_S = 60.0
PAUSE_S = 0.005
RETRY_S = 0.05


class TrialClient:
    """One socket, from which jobs of one kind are submitted one after the other."""

    def __init__(self, kind: str, note: Path) -> None:
        """Prepare.

        Args:
            kind: of the jobs, whose input is `n` and `note`.
            note: a file into which each run of a job writes its number.

        """
        self.kind = kind
        self.note = note
        self.more: dict[str, Any] = {}
        """What else the jobs are given."""
        self.acked: list[str] = []
        """The tokens, in the order of the jobs' numbers."""
        self.ends: dict[str, list[str]] = {}
        """Token → the states in which it was told to have ended."""
        self.vanished: set[str] = set()
        """Tokens of which it was told that the store does not know them any more."""
        self.refusals = 0
        self.over = False
        self.longest_s = 0.0
        """The longest time between two acknowledgements; to be set to 0 when it begins to count."""
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ref = 0

    async def run(self, url: str) -> None:
        """Submit and listen, until cancelled; from `over` on it only listens."""
        async with (
            connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], compression=None, max_size=None) as connection,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._listen(connection))
            await self._submit_all(connection)

    async def send_one(self, connection: ClientConnection, kind: str, given: dict[str, Any], key: str) -> str:
        """Submit one job until it is acknowledged; return its token."""
        while True:
            self._ref += 1
            frame = {"type": "submit", "ref": self._ref, "kind": kind, "input": given, "key": key}
            answer = self._answers[self._ref] = asyncio.get_running_loop().create_future()
            await connection.send(json.dumps(frame))
            async with asyncio.timeout(scaled(ANSWER_S)):
                told = await answer
            if told["type"] == "ack":
                return str(told["token"])
            assert told["problem"]["code"] in ("store_unavailable", "unconfirmed"), told
            self.refusals += 1
            await asyncio.sleep(RETRY_S)

    async def _submit_all(self, connection: ClientConnection) -> None:
        before = time.monotonic()
        while not self.over:
            number = len(self.acked) + 1
            given = {"n": number, "note": str(self.note), **self.more}
            token = await self.send_one(connection, self.kind, given, f"{self.note.name}-{number}")
            now = time.monotonic()
            self.longest_s, before = max(self.longest_s, now - before), now
            self.acked.append(token)
            await asyncio.sleep(PAUSE_S)

    async def _listen(self, connection: ClientConnection) -> None:
        async for text in connection:
            frame = json.loads(text)
            answer = self._answers.pop(frame.get("ref"), None)
            if answer is not None:
                answer.set_result(frame)
            elif frame.get("status") in TERMINAL:
                self.ends.setdefault(frame["token"], []).append(frame["status"])
            elif frame["type"] == "error" and frame.get("token"):
                self.vanished.add(frame["token"])

    def runs(self) -> list[int]:
        """Return the numbers of the jobs that ran, each as often as it did."""
        return [int(line) for line in self.note.read_text().split()] if self.note.exists() else []
