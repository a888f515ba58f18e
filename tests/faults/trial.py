"""One trial: a cluster under load while the nemesis works; then peace, and the checker."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from redis import Redis

from support.timeouts import scaled
from tidings.protocol.states import TERMINAL

from .checks.checker import Violation, check
from .checks.history import Acked, Effect, Found, History, Killed, Left
from .checks.leftover import records, waiting
from .cluster import JOBS, Cluster, Member, running_cluster
from .jobs import RECORD
from .load import Load
from .nemesis import Nemesis
from .plan import Step

QUIET_TIMEOUT_S = 60.0
"""How long it may take after the last fault until every end has been told."""


class Verdict(msgspec.Struct):
    """What a trial showed."""

    plan: list[Step]
    history: History
    violations: list[Violation]
    logs: dict[str, str]
    """What each process printed since it was last started."""

    @property
    def acked(self) -> int:
        """Jobs that were acked."""
        return len({entry.token for entry in self.history.entries if isinstance(entry, Acked)})

    @property
    def resubmitted(self) -> int:
        """Submits repeated under their key that were given the earlier job."""
        return sum(isinstance(entry, Acked) and entry.duplicate for entry in self.history.entries)

    @property
    def ended(self) -> int:
        """Acked jobs with an outcome on both servers."""
        return len(
            {entry.token for entry in self.history.entries if isinstance(entry, Found) and entry.status in TERMINAL}
        )

    def count(self, *rules: str) -> int:
        """Return how many violations there are of some rules."""
        return sum(violation.rule in rules for violation in self.violations)

    def rerun_s(self) -> list[float]:
        """Return the times from the kill of a worker to the next run of what it ran, s."""
        return sorted(_reruns(self.history))

    def explain(self) -> str:
        """Return the plan, what is wrong, and the history of the first job it is wrong with."""
        lines = [*map(str, self.plan), "", *(f"{v.rule} {v.about}: {v.text}" for v in self.violations[:40])]
        about = next((v.about for v in self.violations if self.history.of(v.about)), "")
        return "\n".join([*lines, "", *(str(entry)[:240] for entry in self.history.of(about)[-80:])])


async def run_trial(seed: int, seconds: float, plan: list[Step]) -> Verdict:
    """Run one trial.

    Args:
        seed: of the load.
        seconds: how long new work is submitted.
        plan: what the nemesis does meanwhile.

    """
    history = History()
    with tempfile.TemporaryDirectory(prefix="tidings-faults-") as folder:
        record = Path(folder) / "effects.ndjson"
        record.touch()
        async with running_cluster(JOBS, {RECORD: str(record)}) as cluster:
            await _run(cluster, history, seed, seconds, plan)
            await _collect(cluster, history)
            logs = {name: member.text() for name, member in cluster.members.items()}
        history.entries.extend(msgspec.json.Decoder(Effect).decode_lines(record.read_bytes()))
    return Verdict(plan, history, check(history), logs)


async def _run(cluster: Cluster, history: History, seed: int, seconds: float, plan: list[Step]) -> None:
    load = Load(cluster, history, seed)
    nemesis = Nemesis(cluster, plan, history)
    async with asyncio.TaskGroup() as tasks:
        submits = load.begin(tasks)
        faults = tasks.create_task(nemesis.run(), name="nemesis")
        await asyncio.sleep(seconds)
        for task in submits:
            task.cancel()
        await faults
        await nemesis.heal()
        await _ready(cluster, history)
        load.show()
        await _quiet(cluster, load)
        load.end()


async def _ready(cluster: Cluster, history: History) -> None:
    try:
        await cluster.ready()
    except TimeoutError:
        history.add(Left("a server is not ready again", 1))


async def _quiet(cluster: Cluster, load: Load) -> None:
    """Return when nothing waits and everybody was told, or when it has taken too long: the checker tells."""
    try:
        async with asyncio.timeout(scaled(QUIET_TIMEOUT_S)):
            while load.unfinished or any(left.count for left in await asyncio.to_thread(_waiting, cluster)):
                load.show()
                await asyncio.sleep(0.1)
    except TimeoutError:
        return


def _waiting(cluster: Cluster) -> list[Any]:
    with Redis(port=cluster.store.port) as store:
        return list(waiting(store))


async def _collect(cluster: Cluster, history: History) -> None:
    tokens = sorted({entry.token for entry in history.entries if isinstance(entry, Acked)})
    for member in cluster.servers:
        history.entries.extend(await asyncio.to_thread(_found, member, tokens))
    with Redis(port=cluster.store.port) as store:
        history.entries.extend(waiting(store))
        history.entries.extend(records(store))


def _found(member: Member, tokens: list[str]) -> list[Found]:
    found = []
    for token in tokens:
        status, body = _get(member, f"/v1/jobs/{token}")
        if status == 0:
            break  # it does not answer at all; the checker misses what it should have said
        found.append(_seen(member.name, token, body) if status == 200 else Found(member.name, token, 0, ""))
    return found


def _get(member: Member, path: str) -> tuple[int, Any]:
    """Ask a few times: a connection to the store that was left half open may be found only now."""
    status, body = 0, None
    for _ in range(3):
        status, body = member.server.get(path)
        if status not in (0, 503):
            break
    return status, body


def _seen(server: str, token: str, body: dict[str, Any]) -> Found:
    log = [(chunk["seq"], chunk["data"]) for chunk in body["log"]]
    return Found(server, token, body["seq"], body["status"], log, body.get("result", body.get("problem")))


def _reruns(history: History) -> list[float]:
    killed = {entry.pid: entry.at for entry in history.entries if isinstance(entry, Killed)}
    effects = [entry for entry in history.entries if isinstance(entry, Effect)]
    over = {entry.run for entry in effects if entry.what in ("ended", "left")}
    found = []
    for broken in effects:
        if broken.what == "began" and broken.pid in killed and broken.run not in over:
            at = killed[broken.pid]
            later = [one.at for one in effects if one.token == broken.token and one.what == "began" and one.at > at]
            found.extend([min(later) - at] if later else [])
    return found
