"""The store's user: the one that the guide makes is enough for all, and what another lacks is said once, and where."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from support.peer import peer
from support.scrape import scrape
from support.store import StoreProcess, one_store, running_store
from support.system import Process, ServerProcess, System, WorkerProcess
from support.tidings_command import run_tidings
from support.waiting import until

GUIDE = (Path(__file__).parents[2] / "docs/how-to/production.md").read_text()
PASSWORD = "hush/@#"  # noqa: S105 - of this test alone
ESCAPED = "hush%2F%40%23"


def granted() -> list[str]:
    """Return the guide's line, as the arguments of one command."""
    found = re.search(r"^ACL SETUSER tidings .*$", GUIDE, re.MULTILINE)
    assert found is not None
    return found[0].replace(">PASSWORD", f">{PASSWORD}").split()


pytestmark = one_store("a user of a cluster needs another line, which tests/cluster grants")


@pytest.fixture
def store() -> Iterator[StoreProcess]:
    with running_store() as store:
        with redis.Redis.from_url(store.url) as admin:
            admin.execute_command(*granted())
        yield store


@pytest.fixture
def system(store: StoreProcess) -> Iterator[System]:
    """What runs as that user."""
    store.url = f"redis://tidings:{ESCAPED}@127.0.0.1:{store.port}/0"
    system = System(store)
    yield system
    system.close()


def tidings(system: System, *arguments: str) -> str:
    done = run_tidings(*arguments, TIDINGS_STORE_URL=system.store.url)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait(holds: Callable[[], bool], process: Process) -> None:
    """Return when something is the case."""
    until(holds, process.text, process=process.process)


def reasons(server: ServerProcess) -> list[str]:
    return list((server.get("/readyz")[1] or {}).get("reasons", ()))


def denied(store: StoreProcess) -> list[object]:
    with redis.Redis(port=store.port) as admin:
        return [(entry["context"], entry["object"], entry["username"]) for entry in admin.acl_log()]


async def test_the_user_of_the_guide_may_do_what_server_worker_and_commands_do(system: System) -> None:
    system.add_worker()
    server = system.add_server()
    async with peer(server.socket_url) as client:
        assert (await client.run("noop"))[-1]["event"] == "succeeded"
        assert (await client.run("flaky", {"succeed_at": 2}))[-1]["event"] == "succeeded"
        assert (await client.run("raises"))[-1]["event"] == "failed"
        failed = [json.loads(line) for line in tidings(system, "dead", "list", "--json").splitlines()]
        assert "default" in tidings(system, "status")
        tidings(system, "top", "--once")
        tidings(system, "pause", "default")
        tidings(system, "resume", "default")
        tidings(system, "breaker", "list")
        (token,) = [letter["token"] for letter in failed]
        tidings(system, "dead", "show", token)
        tidings(system, "dead", "replay", token)
    assert scrape(server.url + "/metrics").sum("tidings_store_memory_bytes") > 0
    for path in ("overview", "jobs", "dead", "workers", "breakers"):
        server.get(f"/v1/admin/{path}")
    assert denied(system.store) == []
    for process in (*system.servers, *system.workers):
        assert "store_denies" not in process.text()
    ready, said = server.get("/readyz")
    assert (ready, said["eviction"], said["reasons"]) == (200, "noeviction", [])


@pytest.mark.parametrize(
    ("taken", "command"),
    [("resetchannels", "SUBSCRIBE"), ("-eval -evalsha -fcall", "EVALSHA"), ("resetkeys ~other:*", "EVALSHA")],
)
def test_what_a_user_lacks_is_said_once_and_by_readyz(store: StoreProcess, taken: str, command: str) -> None:
    with redis.Redis.from_url(store.url) as admin:
        url = f"redis://tidings:{ESCAPED}@127.0.0.1:{store.port}/0"
        server = ServerProcess(url).wait_until_ready()
        admin.execute_command("ACL", "SETUSER", "tidings", *taken.split())
        admin.client_kill_filter(_type="pubsub")
        worker = WorkerProcess(url)  # what it lacks it says too
        try:
            if command == "EVALSHA":
                wait(lambda: "store_denies" in worker.text(), worker)
            else:
                wait(lambda: any(command in one and "grant" in one for one in reasons(server)), server)
                assert server.get("/readyz")[0] == 503
                wait(lambda: '"store_denies"' in server.text(), server)
                assert server.text().count('"command": "SUBSCRIBE"') == 1
                assert "&t:*" in server.text()
            admin.execute_command(*granted())
            wait(lambda: server.get("/readyz")[0] == 200, server)
        finally:
            server.close()
            worker.close()
