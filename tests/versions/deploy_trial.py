"""Rolling deploys under load: servers and workers of two releases side by side, kinds that come, go and change, kills.

Each release serves `steady`, a newer version of `changing`, `saga` with one more step, by turns `added` and `removed`.
A client submits all the time what the servers list, follows every job to its end, and notes what happened.
"""

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from support.store import running_store
from support.system import ServerProcess, System, WorkerProcess
from support.waiting import until_async
from tidings import Client, SubmitOptions
from tidings.client.client_errors import ClientError
from tidings.client.handle import Handle
from tidings.protocol.problems import ProblemError

KINDS = str(Path(__file__).with_name("deploy_kinds.py"))
OF_EVERY_RELEASE = ("steady", "changing", "saga")
CLIENTS = 6
QUICK = {"TIDINGS_LEASE_S": "2", "TIDINGS_HEARTBEAT_S": "0.4", "TIDINGS_GRACE_S": "2"}


@dataclass
class Ended:
    """What the client saw of one job."""

    kind: str
    number: int
    status: str
    result: object
    handed_on: int
    """Events that said that the job waits for a worker of its kind."""


@dataclass
class DeployHistory:
    """What happened."""

    ended: dict[str, Ended] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    """Kind and code."""
    kills: int = 0
    deploys: int = 0
    runs: list[tuple[str, int, str, int]] = field(default_factory=list)
    """Token, attempt, kind and version of each run of a handler."""


class Trial:
    """One trial."""

    def __init__(self, folder: Path, system: System, seed: int) -> None:
        self.runs = folder / "runs"
        self.runs.touch()
        self.system = system
        self.history = DeployHistory()
        self._random = random.Random(seed)
        self._stopping = anyio.Event()
        self._numbers = 0
        self._servers: list[ServerProcess] = []

    def worker(self, release: int) -> WorkerProcess:
        """Start a worker of a release."""
        return self.system.add_worker(KINDS, TRIAL_RELEASE=str(release), TRIAL_RUNS=str(self.runs), **QUICK)

    async def run(self, seconds: float) -> None:
        """Deploy release after release for some seconds, under load."""
        workers = [self.worker(1), self.worker(1)]
        self._servers = [self.system.add_server(), self.system.add_server()]
        give_up = time.monotonic() + seconds
        async with anyio.create_task_group() as tasks:
            for place in range(CLIENTS):
                tasks.start_soon(self._load, place)
            release = 1
            while time.monotonic() < give_up or release < 3:
                release += 1
                workers = await self._deploy(release, workers)
            self._stopping.set()
            self.worker(release - 1)  # for the jobs of the kind that the last release lacks

    async def _deploy(self, release: int, workers: list[WorkerProcess]) -> list[WorkerProcess]:
        """Put one worker after the other in the place of an old one; kill one, and move a server, on the way."""
        fresh = []
        for old in workers:
            fresh.append(self.worker(release))
            await self._serving(fresh[-1])
            if self._random.random() < 0.5:
                victim = self._random.choice([old, fresh[0]])
                victim.signal(signal.SIGKILL)
                self.history.kills += 1
                if victim is fresh[0]:
                    fresh[0] = self.worker(release)
                    await self._serving(fresh[0])
            old.signal(signal.SIGTERM)
            await anyio.to_thread.run_sync(old.wait)
        leaving = self._random.randrange(2)
        self._servers[leaving].signal(signal.SIGTERM)
        port = str(self._servers[leaving].port)
        await anyio.to_thread.run_sync(self._servers[leaving].wait)
        self._servers[leaving] = await anyio.to_thread.run_sync(lambda: self.system.add_server(TIDINGS_PORT=port))
        self.history.deploys += 1
        return fresh

    async def _serving(self, worker: WorkerProcess) -> None:
        await until_async(lambda: '"serving"' in worker.text() or worker.process.poll() is not None, shown=worker.text)
        assert worker.process.poll() is None, worker.text()

    async def _load(self, place: int) -> None:
        """Submit and follow, one job after the other, until the trial stops."""
        async with Client(self._servers[place % 2].url) as client:
            while not self._stopping.is_set():
                kind = self._random.choice([*OF_EVERY_RELEASE, "steady", "added", "removed"])
                self._numbers += 1
                try:
                    await self._one(client, kind, self._numbers)
                except ProblemError as error:
                    self.history.refused[f"{kind} {error.code}"] += 1
                    await anyio.sleep(0.05)

    async def _submit(self, client: Client, kind: str, number: int) -> Handle[Any]:
        """Submit under a key until a server answers: one that leaves refuses."""
        while True:
            try:
                return await client.submit(kind, {"number": number}, options=SubmitOptions(key=f"n{number}"))
            except ClientError:
                await anyio.sleep(0.05)
            except ProblemError as error:
                if error.code not in ("draining", "store_unavailable"):
                    raise
                await anyio.sleep(0.05)

    async def _one(self, client: Client, kind: str, number: int) -> None:
        handle = await self._submit(client, kind, number)
        handed_on = 0
        status, result = "", None
        async for event in handle:
            handed_on += "waits_for" in (event.data or {})
            status, result = event.name, event.data
        if status == "succeeded":
            result = await handle.result()
        self.history.ended[str(handle.token)] = Ended(kind, number, status, result, handed_on)


async def run_deploys(folder: Path, seed: int, seconds: float) -> DeployHistory:
    """Run a trial; return what happened."""
    with running_store() as store:
        system = System(store)
        try:
            trial = Trial(folder, system, seed)
            await trial.run(seconds)
            history = trial.history
            for line in trial.runs.read_text().splitlines():
                token, attempt, kind, version, _ = line.split()
                history.runs.append((token, int(attempt), kind, int(version)))
            return history
        finally:
            system.close()


def faults_of(history: DeployHistory) -> list[str]:
    """Return what is wrong with what happened, a sentence each."""
    wrong = [f"{what} was refused {count} times" for what, count in history.refused.items() if _is_wrong(what)]
    attempts: dict[str, list[int]] = {}
    for token, attempt, kind, _ in history.runs:
        attempts.setdefault(token, []).append(attempt)
        if kind != "saga" and token in history.ended and history.ended[token].kind != kind:
            wrong.append(f"{token} of {history.ended[token].kind} ran as {kind}")
    for token, ended in history.ended.items():
        runs = attempts.get(token, [])
        where = f"{ended.kind} {token}"
        if ended.status != "succeeded":
            wrong.append(f"{where} ended as {ended.status}: {ended.result}")
        if not runs:
            wrong.append(f"{where} has a result, and no handler ran")
        if ended.kind != "saga":
            if len(set(runs)) != len(runs):
                wrong.append(f"{where} ran twice as the same attempt: {runs}")
            if runs and max(runs) > 1 + history.kills:
                wrong.append(f"{where} has more attempts than workers were killed: {runs}")
        if ended.kind == "steady" and ended.result != ended.number:
            wrong.append(f"{where} has the result of another job: {ended.result}")
        if ended.handed_on > max([1, len(runs), *runs]):  # once for each time that it was queued
            wrong.append(f"{where} was handed on {ended.handed_on} times in {len(runs)} runs")
    return wrong


def _is_wrong(what: str) -> bool:
    """Return whether a refusal is one: a kind that comes and goes is unknown before its first worker."""
    kind, code = what.split()
    return kind in OF_EVERY_RELEASE or code != "unknown_kind"
