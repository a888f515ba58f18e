"""The backup of docs/how-to/backup.md: a copy of the append-only file under load, and a store that starts from it."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from support.store import StoreProcess
from support.system import System, system_fixture
from support.timeouts import scaled
from support.waiting import until

QUICK = {"TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "0.5"}

system = system_fixture(scope="function", both=QUICK)

EACH = 20
"""Jobs that are acknowledged in each part of the test, at least."""


def copy_append_only_file(store: StoreProcess, target: Path) -> None:
    """Copy as the guide says: no rewrite may begin, and none be under way."""
    with redis.Redis(port=store.port) as admin:
        before = str(admin.config_get("auto-aof-rewrite-percentage")["auto-aof-rewrite-percentage"])
        admin.config_set("auto-aof-rewrite-percentage", 0)
        try:
            fields = ("aof_rewrite_in_progress", "aof_rewrite_scheduled")
            until(lambda: not any(admin.info("persistence")[field] for field in fields))
            shutil.copytree(store.folder / "appendonlydir", target / "appendonlydir")
        finally:
            admin.config_set("auto-aof-rewrite-percentage", before)


class Submitter:
    """Submits one keyed job after the other from a thread of its own, and knows what was acknowledged when."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self.acked: list[tuple[str, str]] = []
        """Key and token, in the order of their acks."""
        self.more = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=scaled(30)) as http:
            while not self._over.is_set():
                key = f"order-{len(self.acked)}"
                answer = http.post("/v1/jobs", json={"kind": "echo", "input": {"text": key}, "key": key})
                if answer.status_code < 300:
                    with self.more:
                        self.acked.append((key, answer.json()["token"]))
                        self.more.notify_all()

    def wait_for(self, count: int) -> int:
        """Return how many jobs are acknowledged, once it is so many more than now."""
        with self.more:
            wanted = len(self.acked) + count
            assert self.more.wait_for(lambda: len(self.acked) >= wanted, scaled(60))
            return len(self.acked)

    def stop(self) -> list[tuple[str, str]]:
        """End, and return what was acknowledged."""
        self._over.set()
        self._thread.join(scaled(60))
        return self.acked


@pytest.fixture
def submitter(system: System) -> Iterator[Submitter]:
    submitter = Submitter(system.server.url)
    yield submitter
    submitter.stop()


def state_of(system: System, token: str) -> str:
    """Return the state of a job; empty: the server does not know it."""
    status, found = system.server.get(f"/v1/jobs/{token}")
    if status == 404:
        assert found["code"] == "unknown_token"
        return ""
    assert status == 200, found
    return str(found["status"])


def wait_until_ended(system: System, tokens: list[str]) -> None:
    until(
        lambda: all(state_of(system, token) == "succeeded" for token in tokens),
        lambda: (
            [token for token in tokens if state_of(system, token) != "succeeded"],
            system.workers[0].text()[-2000:],
        ),
        seconds=60,
    )


def test_a_copy_made_under_load_has_all_that_was_acknowledged_before_and_nothing_is_half_there(
    system: System, submitter: Submitter, tmp_path: Path
) -> None:
    gate = tmp_path / "go"
    waiting = httpx.post(system.server.url + "/v1/jobs", json={"kind": "wait_for_file", "input": {"path": str(gate)}})
    running = waiting.json()["token"]
    before = submitter.wait_for(EACH)
    copy_append_only_file(system.store, tmp_path / "backup")
    during = len(submitter.acked)
    submitter.wait_for(EACH)
    acked = submitter.stop()

    system.store.kill()
    shutil.rmtree(system.store.folder / "appendonlydir")
    shutil.copytree(tmp_path / "backup/appendonlydir", system.store.folder / "appendonlydir")
    system.store.start()
    system.server.wait_until_ready(kinds=1)

    wait_until_ended(system, [token for _, token in acked[:before]])
    # Of what came while the copy was made, a job is there whole or not at all.
    there = [token for _, token in acked[before : during + 1] if state_of(system, token)]
    wait_until_ended(system, there)
    # One submit may have been on its way when the copy ended.
    assert [token for _, token in acked[during + 1 :] if state_of(system, token)] == []

    # Clients that submit again by their keys: what is there is recognized, what is lost is done now.
    again = {}
    for key, token in (acked[0], acked[-1]):
        answer = httpx.post(system.server.url + "/v1/jobs", json={"kind": "echo", "input": {"text": key}, "key": key})
        again[token] = answer.json()
    assert again[acked[0][1]]["token"] == acked[0][1]
    assert again[acked[-1][1]]["token"] != acked[-1][1]
    wait_until_ended(system, [again[acked[-1][1]]["token"]])

    # What ran when the copy was made runs to its end.
    gate.touch()
    wait_until_ended(system, [running])


def test_a_copy_whose_last_write_is_cut_off_starts_without_it(system: System, submitter: Submitter) -> None:
    submitter.wait_for(EACH)
    acked = submitter.stop()
    wait_until_ended(system, [token for _, token in acked])
    system.workers[0].close()  # its heartbeats are the last writes otherwise
    system.store.kill()
    (file,) = (system.store.folder / "appendonlydir").glob("*.incr.aof")
    with file.open("r+b") as end:
        end.truncate(file.stat().st_size - 3)
    system.store.start()
    system.server.wait_until_ready()
    assert state_of(system, acked[0][1]) == "succeeded"


def test_the_guide_names_the_settings_that_the_test_sets() -> None:
    guide = (Path(__file__).parents[2] / "docs/how-to/backup.md").read_text()
    for says in ("auto-aof-rewrite-percentage 0", "aof_rewrite_in_progress", "appendonlydir", "unknown_token"):
        assert says in guide
