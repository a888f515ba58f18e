"""A trial: jobs end under load, workers and the store are killed, groups are paused, added, replayed and skipped.

Three groups follow the same kind through real workers, which write each event that they have handled into a file before
it counts as handled. The checker reads what was acknowledged, what ended, and what each group has handled:

- every event of every acknowledged job reaches each group at least once, unless the group came or was moved later;
- of each job a group gets the events in order: no event for the first time before one that precedes it.
"""

import json
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx

from support.store import running_store
from support.system import System, WorkerProcess
from support.waiting import until_async
from tidings.store.availability.store_errors import StoreError
from tidings.store.groups.group_admin import AT_END, FROM_START, GroupAdmin, GroupCommand
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

HERE = Path(__file__).parent
KINDS = str(HERE / "trial_kinds.py")
HANDLERS = str(HERE / "trial_handlers.py")
LATE_HANDLERS = str(HERE / "trial_late_handlers.py")

EVENTS = ("started", "succeeded")

LONG_S = 30.0
"""A trial that is longer kills the server too: a new one takes some seconds to start."""


class Handled(NamedTuple):
    """One line of a group's file."""

    group: str
    token: str
    name: str
    at: float


class Fault(NamedTuple):
    """What was done, and when."""

    at: float
    what: str


class History(NamedTuple):
    """What a trial has seen."""

    acked: dict[str, float]
    """Token → when its ack came."""
    handled: list[Handled]
    faults: list[Fault]
    late_ready: float
    """From when on the group `late` was registered."""
    skipped: float
    """When the group `skips` was last moved to the end."""
    missed: int


def check(history: History) -> list[str]:
    """Return what is wrong, in sentences."""
    wrong: list[str] = []
    seen: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in history.handled:
        names = seen[one.group, one.token]
        if one.name not in names:
            names.append(one.name)
    for (group, token), names in seen.items():
        if group != "skips" and names != [name for name in EVENTS if name in names]:
            wrong.append(f"{group} got {names} of {token}")
    for token, at in history.acked.items():
        wrong += [
            f"{group} never got {name} of {token}"
            for group, since in (
                ("steady", 0.0),
                ("down", 0.0),
                ("late", history.late_ready),
                ("skips", history.skipped),
            )
            for name in EVENTS
            if at > since and name not in seen[group, token]
        ]
    if history.missed:
        wrong.append(f"the store trimmed {history.missed} events")
    return wrong


class Trial:
    """A system, the load on it, and what is done to it."""

    def __init__(self, system: System, folder: Path, seed: int) -> None:
        self.system = system
        self.folder = folder
        self.random = random.Random(seed)
        self.acked: dict[str, float] = {}
        self.faults: list[Fault] = []
        self.late_ready = 0.0
        self.skipped = 0.0
        self.groups: list[WorkerProcess] = []
        self.jobs: list[WorkerProcess] = []
        self.late: WorkerProcess | None = None
        self.url = ""
        """Of the server."""
        self._environment = {
            "TRIAL_FOLDER": str(folder), "TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "1",
        }  # fmt: skip

    def add_jobs(self) -> None:
        """Start a worker of the jobs."""
        self.jobs.append(self.system.add_worker(KINDS, **self._environment))

    def add_groups(self) -> WorkerProcess:
        """Start a worker of the groups that are there from the beginning."""
        worker = self.system.add_worker(HANDLERS, **self._environment)
        self.groups.append(worker)
        return worker

    async def load(self, until: float) -> None:
        """Submit, each job under a key of its own until it is acknowledged."""
        number = 0
        async with httpx.AsyncClient(timeout=5) as client:
            while time.monotonic() < until:
                number += 1
                await until_async(partial(self._submit, client, number))
                await anyio.sleep(0.01)

    async def _submit(self, client: httpx.AsyncClient, number: int) -> bool:
        try:
            answer = await client.post(
                f"{self.url}/v1/jobs", json={"kind": "work", "input": {}}, headers={"idempotency-key": f"job-{number}"}
            )
        except httpx.HTTPError:
            return False
        if answer.status_code != 202:
            return False
        if not answer.json()["duplicate"]:
            self.acked[answer.json()["token"]] = time.time()
        else:
            self.acked.setdefault(answer.json()["token"], 0.0)
        return True

    async def torment(self, until: float) -> None:
        """Do one thing after the other; a long trial kills the server too."""
        acts = [self._kill_groups, self._kill_jobs, self._kill_store, self._pause, self._replay, self._skip, self._add]
        if until - time.monotonic() > LONG_S:
            acts.append(self._kill_server)
        while time.monotonic() < until:
            for act in self.random.sample(acts, len(acts)):
                self.faults.append(Fault(time.time(), act.__name__.removeprefix("_")))
                await act()
                await anyio.sleep(self.random.uniform(0.1, 0.5))
                if time.monotonic() >= until:
                    return

    async def _kill_groups(self) -> None:
        victim = self.groups.pop(0)
        victim.signal(signal.SIGKILL)
        self.add_groups()

    async def _kill_jobs(self) -> None:
        victim = self.jobs.pop(0)
        victim.signal(signal.SIGKILL)
        self.add_jobs()

    async def _kill_store(self) -> None:
        await anyio.to_thread.run_sync(self.system.store.kill)
        await anyio.to_thread.run_sync(self.system.store.start)
        await self.admin("read")  # it may still load: a worker that starts now would not find it

    async def _kill_server(self) -> None:
        victim = self.system.servers.pop(0)
        victim.close()
        await anyio.to_thread.run_sync(self.system.add_server)
        self.url = self.system.server.url

    async def _pause(self) -> None:
        await self.admin("act", "down", GroupCommand.PAUSE)
        await anyio.sleep(self.random.uniform(0.5, 1.5))
        await self.admin("act", "down", GroupCommand.RESUME)

    async def _replay(self) -> None:
        await self.admin("move", "steady", FROM_START)

    async def _skip(self) -> None:
        await self.admin("move", "skips", AT_END)
        self.skipped = time.time()

    async def _add(self) -> None:
        if self.late is None:
            self.late = late = self.system.add_worker(LATE_HANDLERS, **self._environment)
            await until_async(lambda: "group_ready" in late.text())
            self.late_ready = time.time()

    async def admin(self, verb: str, *args: Any) -> Any:
        """Ask the store as an operator does, until it answers."""
        while True:
            store = open_store(self.system.store.url)
            try:
                return await getattr(GroupAdmin(store, StoreKeys(), "default"), verb)(*args)
            except StoreError:
                await anyio.sleep(0.1)
            finally:
                await store.aclose()

    def handled(self) -> list[Handled]:
        """Return what the groups have handled, by the time at which they began."""
        lines = [line for file in self.folder.glob("handled-*") for line in file.read_text().splitlines()]
        found = [Handled(*json.loads(line)) for line in lines if line.endswith("]")]
        return sorted(found, key=lambda one: one.at)

    async def peace(self) -> int:
        """Return when every group has handled all; how many events they have missed."""
        await self._add()
        read = await until_async(
            lambda: self.admin("read"),
            lambda found: len(found.groups) == 4 and not any(one.behind for one in found.groups) and self._all_ended(),
            seconds=90,
            pause_s=0.2,
        )
        return sum(one.missed for one in read.groups)

    def _all_ended(self) -> bool:
        ended = {one.token for one in self.handled() if one.group == "down" and one.name == "succeeded"}
        return self.acked.keys() <= ended


async def run_trial(folder: Path, seed: int, seconds: float) -> History:
    """Run a trial, and return its history."""
    # What the store has acknowledged must be there when it is started again; with `everysec` it may be gone.
    with running_store("--appendfsync", "always") as store, closing(System(store)) as system:
        trial = Trial(system, folder, seed)
        trial.add_jobs()
        first = trial.add_groups()
        trial.add_groups()
        trial.url = system.add_server().url
        await until_async(lambda: first.text().count("group_ready") >= 3)
        until = time.monotonic() + seconds
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(trial.load, until)
            tasks.start_soon(trial.torment, until)
        missed = await trial.peace()
        return History(trial.acked, trial.handled(), trial.faults, trial.late_ready, trial.skipped, missed)


def shown(faults: Iterable[Fault]) -> str:
    """Return the faults in a line."""
    return " ".join(fault.what for fault in faults)
