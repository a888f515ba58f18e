"""The load of a trial: clients that submit all kinds of jobs, and observers on each server."""

import asyncio
import random
from typing import Any

from .checks.history import Acked, Asked, History
from .cluster import Cluster
from .follower import Follower

SUBMITTERS = 4

PAUSE_S = (0.05, 0.25)
"""Between two submits of one client."""

MOST_UNFINISHED = 40
"""Jobs of one client that are under way: a bounded load, however slow the machine."""


class Load:
    """Clients and observers of one cluster."""

    def __init__(self, cluster: Cluster, history: History, seed: int) -> None:
        self._history = history
        self._seed = seed
        addresses = [server.address for server in cluster.servers]
        self.submitters = [
            Follower(f"client-{n}", addresses[n % 2 :] + addresses[: n % 2], history, seed + n)
            for n in range(SUBMITTERS)
        ]
        self.observers = [
            Follower(f"observer-{n}", [address], history, seed + 100 + n) for n, address in enumerate(addresses)
        ]
        self._number = 0
        self._shown = 0

    @property
    def unfinished(self) -> int:
        """How many ends of jobs are yet to be told."""
        return sum(one.unfinished for one in (*self.submitters, *self.observers))

    def begin(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Run the clients in `tasks`; return the tasks that make new work."""
        self._clients = [
            tasks.create_task(one.run(), name=one.name) for one in (*self.submitters, *self.observers)
        ]  # fmt: skip
        return [
            tasks.create_task(self._submit(one, random.Random(self._seed * 1000 + n)), name=f"{one.name} submits")
            for n, one in enumerate(self.submitters)
        ]

    def end(self) -> None:
        """Let the clients go."""
        for client in self._clients:
            client.cancel()

    def show(self) -> None:
        """Have observers on both servers follow every third job that was acked since."""
        entries = self._history.entries
        for entry in entries[self._shown :]:
            if isinstance(entry, Acked) and not entry.duplicate and _number(entry.key) % 3 == 0:
                for observer in self.observers:
                    observer.follow(entry.token)
        self._shown = len(entries)

    async def _submit(self, client: Follower, draw: random.Random) -> None:
        while True:
            if client.unfinished < MOST_UNFINISHED:
                self._number += 1
                kind, input_ = _work(draw, self._number)
                key = f"k{self._seed}-{self._number}"
                client.submit(Asked(key, kind, input_))
                if kind == "slow" and draw.random() < 0.4:
                    client.cancel(key, draw.uniform(0, 1))
            self.show()
            await asyncio.sleep(draw.uniform(*PAUSE_S))


def _work(draw: random.Random, number: int) -> tuple[str, dict[str, Any]]:
    kind = draw.choice(["plain", "plain", "chunks", "chunks", "slow", "again", "refuse", "charge"])
    extra: dict[str, Any] = {}
    match kind:
        case "chunks":
            extra = {"count": draw.randint(1, 30), "pause": round(draw.uniform(0, 0.05), 3)}
        case "slow":
            extra = {"seconds": round(draw.uniform(0.2, 2), 2)}
        case "again":
            extra = {"times": draw.randint(1, 3)}
        case "charge":
            extra = {"pause": round(draw.uniform(0, 0.3), 3)}
    return kind, {"number": number, **extra}


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])
