"""A trial: servers, workers and clients at work on a store that fails in one way; then what came of each promise."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.kind_files import KIND_FILE, QUEUES
from cluster.trial.trial_client import TrialClient
from support.system import ServerProcess, WorkerProcess
from support.timeouts import scaled
from tidings.protocol.states import TERMINAL

LEASE_S = 3.0
SETTINGS = {"TIDINGS_LEASE_S": str(LEASE_S), "TIDINGS_HEARTBEAT_S": "0.5"}
MOST_GAP_S = 6.0
"""How long no job of a primary may be acknowledged that has died, at a node timeout of 2 s, on a quiet machine."""
SHOWN = 1_000
"""Characters of a log before a traceback that are shown."""
QUIET_S = 60.0
"""How long it may take after the fault until every job has come to its end, and every client was told."""


@dataclass
class Verdict:
    """What a trial showed."""

    acked: int = 0
    lost: list[str] = field(default_factory=list)
    """Acknowledged jobs that the store does not know any more."""
    confirmed_lost: list[str] = field(default_factory=list)
    """Those of them that a replica had confirmed before."""
    unfinished: list[str] = field(default_factory=list)
    """Jobs that have not ended."""
    disagreed: list[str] = field(default_factory=list)
    """Jobs of which two servers, or a server and a client, tell different ends."""
    untold: list[str] = field(default_factory=list)
    """Jobs whose client was told neither an end nor that the job is gone."""
    twice: int = 0
    """Runs of jobs that had run before."""
    gaps_s: dict[str, float] = field(default_factory=dict)
    """Kind → the longest time between two acknowledgements of one client during the fault."""
    refusals: int = 0
    remark: str = ""
    errors: list[str] = field(default_factory=list)
    """The first traceback that a server or a worker logged, with what stands around it."""

    def broken(self, *, loses: bool, reruns: bool) -> list[str]:
        """Return the promises that were broken.

        Args:
            loses: whether what no replica had confirmed may be lost.
            reruns: whether a job may run again.

        """
        lost = self.confirmed_lost if loses else self.lost
        counts = {
            "lost": len(lost),
            "unfinished": len(self.unfinished),
            "disagreed": len(self.disagreed),
            "untold": len(self.untold),
            "run twice": 0 if reruns else self.twice,
            "tracebacks": len(self.errors),
        }
        return [f"{count} {name}" for name, count in counts.items() if count]


class Trial:
    """The processes, the clients, and what a fault may ask of them."""

    def __init__(self, url: str, folder: Path, several: int = 2, replicas: int = 0) -> None:
        """Start servers and workers.

        Args:
            url: of the store.
            folder: for what the runs of jobs note.
            several: how many servers and workers there are, and clients of each kind.
            replicas: how many must have what is acknowledged (`TIDINGS_DURABILITY=replicated`); 0: none.

        """
        replicated = {"TIDINGS_DURABILITY": "replicated", "TIDINGS_REPLICAS": str(replicas)} if replicas else {}
        self.replicated = bool(replicas)
        """Whether nothing is acknowledged that replicas do not have: also not while they are too few."""
        self.workers = [WorkerProcess(url, KIND_FILE, **SETTINGS, **replicated) for _ in range(several)]
        self.servers = [ServerProcess(url, **replicated) for _ in range(several)]
        self.folder = folder
        self.clients = [TrialClient(kind, folder / f"{kind}-{one}") for kind in QUEUES for one in range(several)]
        self.extra: list[TrialClient] = []
        """Clients that submit something else; a fault brings them along."""
        self._confirmed: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Return when every client has had some jobs acknowledged."""
        for server in self.servers:
            await asyncio.to_thread(server.wait_until_ready, 6)
        for number, client in enumerate(self.clients):
            self.start(client, number)
        await self.until(10)

    def start(self, client: TrialClient, number: int = 0) -> None:
        """Let a client begin."""
        self._tasks.append(asyncio.create_task(client.run(self.servers[number % len(self.servers)].socket_url)))

    async def until(self, more: int, kinds: Sequence[str] = tuple(QUEUES)) -> None:
        """Return when every client, of some kinds, has had so many more jobs acknowledged."""
        wanted = {client: len(client.acked) + more for client in self.clients if client.kind in kinds}
        async with asyncio.timeout(scaled(120)):
            while any(len(client.acked) < count for client, count in wanted.items()):
                self._check()
                await asyncio.sleep(0.02)

    async def confirm(self, replicated: Callable[[], None], kinds: Sequence[str] = tuple(QUEUES)) -> None:
        """Note which jobs of some kinds are acknowledged, and return when a replica has them; `replicated` waits."""
        acked = {token for client in self.clients if client.kind in kinds for token in client.acked}
        await asyncio.to_thread(replicated)
        self._confirmed |= acked

    async def run(self, fault: Callable[["Trial"], Awaitable[str]]) -> Verdict:
        """Let something fail under the load, and return what came of it."""
        for client in self.clients:
            client.longest_s = 0.0
        remark = await fault(self)
        await self.until(20)
        gaps = {kind: max(one.longest_s for one in self.clients if one.kind == kind) for kind in QUEUES}
        for client in self.clients:
            client.over = True
        return await self._verdict(remark, gaps)

    async def _verdict(self, remark: str, gaps_s: dict[str, float]) -> Verdict:
        verdict = Verdict(gaps_s=gaps_s, remark=remark)
        for client in [*self.clients, *self.extra]:
            await self._judge(client, verdict)
        verdict.confirmed_lost = [token for token in verdict.lost if token in self._confirmed]
        logs = (f"{one.name}: {one.text()}" for one in (*self.servers, *self.workers))
        verdict.errors = [
            text[max(text.index("Traceback") - SHOWN, 0) :][: 6 * SHOWN] for text in logs if "Traceback" in text
        ]
        return verdict

    async def _judge(self, client: TrialClient, verdict: Verdict) -> None:
        tokens = list(client.acked)
        verdict.acked += len(tokens)
        verdict.refusals += client.refusals
        verdict.twice += sum(count - 1 for count in Counter(client.runs()).values())
        give_up = time.monotonic() + scaled(QUIET_S)
        for token in tokens:
            states = [await self._end_of(server, token, give_up) for server in self.servers]
            told = set(client.ends.get(token, ()))
            while not (told or token in client.vanished) and time.monotonic() < give_up:
                await asyncio.sleep(0.05)
                told = set(client.ends.get(token, ()))
            if not any(states):
                verdict.lost.append(token)
            elif not set(states) <= TERMINAL:
                verdict.unfinished.append(token)
            elif len({*states, *told}) > 1:
                verdict.disagreed.append(token)
            if not told and token not in client.vanished:
                verdict.untold.append(token)

    @staticmethod
    async def _end_of(server: ServerProcess, token: str, give_up: float) -> str:
        """Return the state in which a job has ended, or is; empty: the server knows of no such job."""
        state = "?"
        while state not in TERMINAL and time.monotonic() < give_up:
            status, body = await asyncio.to_thread(server.get, f"/v1/jobs/{token}")
            if status == 404:
                return ""
            state = body["status"] if status == 200 else "?"
            if state not in TERMINAL:
                await asyncio.sleep(0.05)
        return str(state)

    def _check(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def close(self) -> None:
        """End the clients and all processes but the store's."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in (*self.servers, *self.workers):
            process.close()

    def get(self, path: str) -> tuple[int, Any]:
        """Ask the first server."""
        return self.servers[0].get(path)
