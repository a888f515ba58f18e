"""What the doctor says of a real store, with each fault made on purpose."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from support.store import StoreProcess, running_store
from tidings.store.admin.store_access import denied_commands, needed_commands
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store
from tidings_cli.doctor.finding import Finding, Level
from tidings_cli.doctor.store_checks import check_store_itself

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def store() -> Iterator[StoreProcess]:
    with running_store("--maxmemory", "100mb") as store:
        yield store


@pytest.fixture
def admin(store: StoreProcess) -> Iterator[redis.Redis]:
    with redis.Redis(port=store.port) as admin:
        yield admin


async def examine(url: str, ahead_s: float = 0.0) -> dict[str, Finding]:
    """Return the findings about a store, by this machine's clock or one that is ahead of it."""
    client = open_store(url)
    try:
        found = await check_store_itself(client, lambda: time.time() + ahead_s)
    finally:
        await client.aclose()
    assert len({one.check for one in found}) == len(found)
    return {one.check: one for one in found}


async def test_a_store_that_is_set_right_has_no_problem(store: StoreProcess) -> None:
    found = await examine(store.url)
    assert {one.check: one.says for one in found.values() if one.level is Level.PROBLEM} == {}
    assert found["store.version"].says.split()[0] in ("valkey", "redis")
    assert found["store.memory"].level is Level.OK
    assert found["store.permissions"].level is Level.OK
    assert found["store.clock"].level is Level.OK


FAULTS = {
    "store.eviction": ("maxmemory-policy", "allkeys-lru", Level.PROBLEM, "deletes acknowledged jobs"),
    "store.persistence": ("appendonly", "no", Level.PROBLEM, "are lost when its process ends"),
    "store.memory": ("maxmemory", "1300kb", Level.PROBLEM, "it takes no submissions"),
    "store.clients": ("maxclients", "2", Level.WARNING, "of 2"),
}


@pytest.mark.parametrize("check", FAULTS)
async def test_a_setting_that_endangers_jobs_is_named_with_what_to_do(
    admin: redis.Redis, store: StoreProcess, check: str
) -> None:
    name, wrong, level, says = FAULTS[check]
    before = str(admin.config_get(name)[name])
    admin.config_set(name, wrong)
    try:
        finding = (await examine(store.url))[check]
    finally:
        admin.config_set(name, before)
    assert (finding.level, says in finding.says) == (level, True), finding
    assert finding.do


async def test_a_store_without_a_limit_of_memory_is_a_warning(admin: redis.Redis, store: StoreProcess) -> None:
    admin.config_set("maxmemory", "0")
    try:
        assert (await examine(store.url))["store.memory"].level is Level.WARNING
    finally:
        admin.config_set("maxmemory", "100mb")


async def test_a_replica_is_a_problem(admin: redis.Redis, store: StoreProcess) -> None:
    admin.replicaof("127.0.0.1", "1")
    try:
        finding = (await examine(store.url))["store.role"]
    finally:
        admin.replicaof("NO", "ONE")
    assert finding.level is Level.PROBLEM
    assert "127.0.0.1:1" in finding.says


async def test_a_clock_that_differs_is_a_warning_with_its_sign(store: StoreProcess) -> None:
    behind = (await examine(store.url, ahead_s=90))["store.clock"]
    assert (behind.level, behind.says) == (Level.WARNING, "the store's clock is 90.0 s behind this machine's")
    ahead = (await examine(store.url, ahead_s=-90))["store.clock"]
    assert "90.0 s ahead of" in ahead.says


class Detour:
    """A proxy before a store that keeps every answer for some time."""

    def __init__(self, port: int, delay_s: float) -> None:
        self._to, self._delay_s = port, delay_s
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            store = socket.create_connection(("127.0.0.1", self._to))
            for one, other, delay_s in ((client, store, 0.0), (store, client, self._delay_s)):
                self._threads.append(threading.Thread(target=self._pass_on, args=(one, other, delay_s), daemon=True))
                self._threads[-1].start()

    def _pass_on(self, one: socket.socket, other: socket.socket, delay_s: float) -> None:
        with one, other:
            try:
                while data := one.recv(65_536):
                    self._over.wait(delay_s)
                    other.sendall(data)
            except OSError:
                return

    def close(self) -> None:
        self._over.set()
        self._listening.close()


@contextmanager
def detour(store: StoreProcess, delay_s: float) -> Iterator[Detour]:
    proxy = Detour(store.port, delay_s)
    try:
        yield proxy
    finally:
        proxy.close()


async def test_a_store_that_is_far_away_is_a_warning(store: StoreProcess) -> None:
    with detour(store, 0.02) as proxy:
        finding = (await examine(proxy.url))["store.latency"]
    assert (finding.level, "nearer" in finding.do) == (Level.WARNING, True), finding


def tell(admin: Any, *words: str) -> None:
    admin.execute_command(*words)


ALL = "allkeys allchannels +@all"


@pytest.mark.parametrize(
    ("rules", "level", "lacking"),
    [
        ("-xautoclaim -zpopmin", Level.PROBLEM, "XAUTOCLAIM, ZPOPMIN"),
        ("-lpop -lrange", Level.PROBLEM, "LPOP, LRANGE"),
        ("resetchannels &other", Level.PROBLEM, "PUBLISH, SUBSCRIBE"),
        ("-xgroup -xinfo", Level.PROBLEM, "XINFO CONSUMERS, XINFO GROUPS, XGROUP CREATE, XGROUP DELCONSUMER"),
        ("-fcall", Level.WARNING, "FCALL"),
        ("-@scripting", Level.PROBLEM, "may not even run scripts"),
        ("resetkeys ~other:*", Level.PROBLEM, "may not even run scripts"),
    ],
)
async def test_what_the_user_lacks_is_named_and_nothing_else(
    admin: redis.Redis, store: StoreProcess, rules: str, level: Level, lacking: str
) -> None:
    tell(admin, "ACL", "SETUSER", "poor", "reset", "on", ">pw", *ALL.split(), *rules.split())
    keys = admin.dbsize()
    finding = (await examine(f"redis://poor:pw@127.0.0.1:{store.port}/0"))["store.permissions"]
    assert finding.level is level, finding
    assert lacking in finding.says
    if "may not use" in finding.says:
        assert finding.says.partition(" may not use ")[2].partition(":")[0] == lacking
    assert admin.dbsize() == keys, "it only asks"


async def test_the_user_of_the_guide_lacks_nothing(admin: redis.Redis, store: StoreProcess) -> None:
    guide = (ROOT / "docs/how-to/production.md").read_text()
    (line,) = re.findall(r"^ACL SETUSER tidings .*$", guide, re.MULTILINE)
    tell(admin, *line.replace(">PASSWORD", ">pw").split())
    client = open_store(f"redis://tidings:pw@127.0.0.1:{store.port}/0")
    try:
        assert await denied_commands(client, StoreKeys()) == []
    finally:
        await client.aclose()


async def test_a_user_that_may_not_ask_for_the_store_s_state_is_told_what_stays_unknown(
    admin: redis.Redis, store: StoreProcess
) -> None:
    tell(admin, "ACL", "SETUSER", "poor", "reset", "on", ">pw", *ALL.split(), "-info", "-time")
    found = await examine(f"redis://poor:pw@127.0.0.1:{store.port}/0")
    assert found["store.version"].level is Level.SKIPPED
    assert found["store.clock"].level is Level.SKIPPED
    assert "store.memory" not in found


def test_every_command_that_a_script_or_a_process_sends_is_asked_about() -> None:
    sent = set()
    for path in (ROOT / "core/tidings/store/lua").rglob("*.lua"):
        sent |= set(re.findall(r"redis\.p?call\('([A-Z]+)'", path.read_text()))
    for folder in ("core/tidings", "server", "worker"):
        for path in (ROOT / folder).rglob("*.py"):
            sent |= set(re.findall(r"(?:command\([\w.]+, |\.ask\(|\.wait\()\"([A-Z]{3,})\"", path.read_text()))
    asked = {call[0] for sharded in (False, True) for call in needed_commands(StoreKeys(), sharded=sharded)}
    assert len(sent) > 40
    assert sent - asked == set(), "add them to needed_commands, and see that the user of the guide may use them"


def test_the_doctor_asks_in_the_channels_of_the_database_in_use() -> None:
    assert ("SUBSCRIBE", "db3:" + StoreKeys().kinds_changed) in needed_commands(StoreKeys(), "db3:")
