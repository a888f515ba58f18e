"""A store that answers and refuses for a while: what has been done is kept, told once it may be, and not done again."""

from functools import partial
from pathlib import Path

import anyio
import httpx
import pytest

from support.handlers import refused_kinds
from support.peer import peer
from support.store import one_store
from support.system import System, running_system, system_fixture
from support.timeouts import scaled
from support.waiting import until_async

LEASE_S = min(scaled(2.0), 6.0)
QUICK = {"TIDINGS_LEASE_S": str(LEASE_S), "TIDINGS_HEARTBEAT_S": str(LEASE_S / 5), "TIDINGS_PROCESSES": "1"}

REFUSALS = {
    "no replicas": ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
    "a replica": ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
    "scripts denied": ("ACL SETUSER default -@scripting", "ACL SETUSER default +@all"),
    "a command of scripts denied": ("ACL SETUSER default -hmget -hset", "ACL SETUSER default +@all"),
    "keys denied": ("ACL SETUSER default resetkeys", "ACL SETUSER default allkeys"),
}
KINDS = ["end_in_loop", "end_in_thread", "end_in_process", "record_in_loop", "step_on", "fail_once"]


system = system_fixture(str(Path(str(refused_kinds.__file__))), workers=2, worker=QUICK)


REPLICA = pytest.param("a replica", marks=one_store("a node of a cluster refuses REPLICAOF"))


@pytest.mark.parametrize("refusal", [REPLICA if one == "a replica" else one for one in REFUSALS])
async def test_what_ended_while_the_store_refused_is_told_when_it_does_not_and_runs_once(
    system: System, tmp_path: Path, refusal: str
) -> None:
    refuse, allow = REFUSALS[refusal]
    # The last time is longer than a lease: no worker could renew one, so none may take over.
    times = (1.0, 1.0, 1.5 * LEASE_S) if refusal == "no replicas" else (1.5 * LEASE_S,)
    async with peer(system.server.socket_url) as client, httpx.AsyncClient() as http:
        for turn, seconds in enumerate(times):
            paths = {kind: str(tmp_path / f"{kind}-{turn}") for kind in KINDS}
            tokens = {kind: (await client.submit(kind, {"path": path}))["token"] for kind, path in paths.items()}
            for path in paths.values():
                await until_async(Path(path + ".runs").exists)
            system.store.tell(refuse)
            for path in paths.values():
                Path(path).touch()
            await anyio.sleep(seconds)
            system.store.tell(allow)
            await until_ended(http, system, *tokens.values())
            for kind, token in tokens.items():
                snapshot = (await http.get(f"{system.server.url}/v1/jobs/{token}")).json()
                runs = Path(paths[kind] + ".runs").read_text()
                attempts = 2 if kind == "fail_once" else 1
                assert (snapshot["status"], snapshot.get("result")) == ("succeeded", "ended"), (kind, turn, snapshot)
                assert (snapshot["attempt"], len(runs)) == (attempts, attempts), (kind, turn, snapshot)
                effects = Path(paths[kind] + ".effects")
                assert not effects.exists() or effects.read_text() == "x", kind
    for worker in system.workers:
        assert worker.process.poll() is None
        assert "taken_over" not in worker.text()
        assert "attempt_lost" not in worker.text()
        assert "outcome_refused" not in worker.text()


async def until_ended(http: httpx.AsyncClient, system: System, *tokens: str) -> None:
    """Return when some jobs have ended."""
    for token in tokens:
        await until_async(
            partial(http.get, f"{system.server.url}/v1/jobs/{token}"),
            lambda answer: answer.status_code == 200 and answer.json()["status"] in ("succeeded", "failed"),
            seconds=60,
        )


async def test_what_is_kept_meanwhile_takes_no_more_than_its_slots(system: System, tmp_path: Path) -> None:
    """A worker whose outcomes are refused takes nothing more than it has slots, and tells them all afterwards."""
    with running_system(servers=0, workers=0) as one:
        worker = one.add_worker(str(Path(str(refused_kinds.__file__))), **QUICK, TIDINGS_SLOTS="3")
        one.add_server()
        async with peer(one.server.socket_url) as client, httpx.AsyncClient() as http:
            path = str(tmp_path / "go")
            tokens = [(await client.submit("end_in_loop", {"path": path}))["token"] for _ in range(8)]
            await until_async(lambda: Path(path + ".runs").exists() and len(Path(path + ".runs").read_text()) >= 3)
            one.store.tell("CONFIG SET min-replicas-to-write 1")
            Path(path).touch()
            await anyio.sleep(1.0)
            assert len(Path(path + ".runs").read_text()) == 3, worker.text()
            one.store.tell("CONFIG SET min-replicas-to-write 0")
            await until_ended(http, one, *tokens)
            assert len(Path(path + ".runs").read_text()) == len(tokens)
