"""A store that does not keep what it acknowledged: processes say so, and servers on one that evicts are not ready."""

import json
from collections.abc import Iterator

import anyio
import pytest
import structlog

from support.scrape import scrape
from support.store import StoreProcess, running_store
from support.system import System
from support.waiting import until_async
from tidings.store import retention
from tidings.store.redis.store_client import open_store
from tidings.store.redis.subscription import Hearing
from tidings.store.retention import Persistence, Retention, RetentionWatch, read_retention
from tidings_server.runtime import ServerRuntime
from tidings_server.settings import ServerSettings


def lines(text: str, event: str) -> list[dict[str, object]]:
    return [found for line in text.splitlines() if (found := json.loads(line))["event"] == event]


@pytest.fixture(scope="module")
def evicting() -> Iterator[StoreProcess]:
    with running_store("--maxmemory-policy", "volatile-ttl", "--maxmemory", "100mb") as store:
        yield store


def test_processes_that_may_use_a_store_that_evicts_say_so(evicting: StoreProcess) -> None:
    system = System(evicting)
    try:
        worker = system.add_worker(TIDINGS_ALLOW_EVICTION="true")
        server = system.add_server(TIDINGS_ALLOW_EVICTION="true")
        assert server.get("/readyz")[1]["eviction"] == "volatile-ttl"
        for process in (server, worker):
            (line,) = lines(process.text(), "store_evicts")
            assert (line["level"], line["eviction"]) == ("error", "volatile-ttl")
        assert scrape(server.url + "/metrics").sum("tidings_store_evicts") == 1
    finally:
        system.close()


@pytest.mark.parametrize("allowed", [False, True])
async def test_a_mounted_server_on_a_store_that_evicts_is_not_ready_and_says_why(
    evicting: StoreProcess, allowed: bool
) -> None:
    runtime = ServerRuntime(ServerSettings(store_url=evicting.url, allow_eviction=allowed))
    async with runtime.running():
        await until_async(
            lambda: runtime.inbox is Hearing.OPEN and all("kinds" not in one for one in runtime.unready_reasons()),
            seconds=20,
        )
        found = runtime.unready_reasons()
    assert len(found) == (0 if allowed else 1)
    assert all("noeviction" in one and "TIDINGS_ALLOW_EVICTION" in one for one in found)


def test_a_store_that_keeps_all_is_nothing_to_speak_of() -> None:
    with running_store() as store:
        system = System(store)
        try:
            server = system.add_server()
            said = server.get("/readyz")[1]
            assert (said["eviction"], said["persistence"], said["reasons"]) == ("noeviction", "aof", [])
            assert "store_" not in server.text()
            assert scrape(server.url + "/metrics").each("tidings_store_evicts")[0].value == 0
        finally:
            system.close()


@pytest.mark.parametrize(
    ("options", "kept"), [(["--save", ""], Persistence.NONE), (["--save", "3600", "1"], Persistence.SNAPSHOTS)]
)
def test_a_store_that_writes_too_little_is_a_warning_and_no_more(options: list[str], kept: Persistence) -> None:
    with running_store("--appendonly", "no", *options) as store:
        system = System(store)
        try:
            server = system.add_server()
            assert server.get("/readyz")[1]["persistence"] == kept
            (line,) = lines(server.text(), "store_not_persistent")
            assert (line["level"], line["persistence"]) == ("warning", kept)
        finally:
            system.close()


async def test_a_change_while_it_runs_is_seen_and_each_state_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHECK_INTERVAL_S", 0.01)
    with running_store() as process:
        store = open_store(process.url)
        watch = RetentionWatch(store)
        with structlog.testing.capture_logs() as said:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(watch.run)
                for policy in ("allkeys-lfu", "noeviction"):
                    process.tell(f"CONFIG SET maxmemory-policy {policy}")
                    await until_async(lambda: watch.now.eviction == policy, seconds=10)  # noqa: B023 - awaited here
                tasks.cancel_scope.cancel()
        await store.aclose()
    assert [line["event"] for line in said] == ["store_evicts", "store_evicts_no_more"]


async def test_a_user_who_may_not_ask_is_told_nothing() -> None:
    with running_store() as process:
        process.tell("ACL SETUSER me on >pw ~* &* +@all -info -config")
        store = open_store(f"redis://me:pw@127.0.0.1:{process.port}/0")
        assert await read_retention(store) == Retention("", Persistence.UNKNOWN)
        assert not Retention().evicts
        await store.aclose()
