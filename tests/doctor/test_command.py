"""The command `tidings doctor`: its lines, its JSON and its exit codes."""

import json
from collections.abc import Iterator

import pytest

from support.store import StoreProcess, running_store
from support.system import System, running_system
from support.tidings_command import run_tidings
from tidings.process.port import free_port


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    with running_system() as system:
        yield system


def test_a_deployment_that_is_well_exits_with_0_and_has_a_line_for_each_check(system: System) -> None:
    done = run_tidings("doctor", "--server", system.server.url, TIDINGS_STORE_URL=system.store.url)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("ok    store.reach")
    assert all(line[:6] in ("ok    ", "warn  ", "skip  ") for line in lines)
    assert any(line.startswith("skip  public.reach") and "give --url" in line for line in lines)
    assert any(line.startswith("ok    server.ready") for line in lines)


def test_warnings_count_only_where_they_are_asked_for(system: System) -> None:
    system.store.tell("CONFIG SET maxmemory 0")
    assert run_tidings("doctor", "--strict", TIDINGS_STORE_URL=system.store.url).returncode == 1


def test_a_problem_exits_with_1_and_says_what_to_do(system: System) -> None:
    system.store.tell("CONFIG SET maxmemory-policy allkeys-lru")
    try:
        done = run_tidings("doctor", "--json", TIDINGS_STORE_URL=system.store.url)
        shown = run_tidings("doctor", TIDINGS_STORE_URL=system.store.url)
    finally:
        system.store.tell("CONFIG SET maxmemory-policy noeviction")
    assert done.returncode == shown.returncode == 1
    report = json.loads(done.stdout)
    assert report["level"] == "problem"
    (found,) = (one for one in report["findings"] if one["level"] == "problem")
    assert found["check"] == "store.eviction"
    assert f"FAIL  store.eviction        {found['says']} -> {found['do']}" in shown.stdout.splitlines()


def test_a_store_that_does_not_answer_exits_with_3_and_the_rest_is_checked_all_the_same(system: System) -> None:
    done = run_tidings("doctor", "--server", system.server.url, TIDINGS_STORE_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert done.returncode == 3
    assert done.stdout.startswith("FAIL  store.reach")
    assert "ok    server.ready" in done.stdout


def test_scripts_that_may_not_run_are_one_problem_and_no_traceback() -> None:
    with running_store() as store:
        deny(store)
        done = run_tidings("doctor", TIDINGS_STORE_URL=store.url)
    assert done.returncode == 1
    assert "FAIL  store.permissions" in done.stdout
    assert "FAIL  store.read" in done.stdout
    assert done.stderr == ""


def deny(store: StoreProcess) -> None:
    store.tell("ACL SETUSER default -@scripting")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--url", "tidings.example"), "tidings.example is no address of a server"),
        (("--within", "1"), "--within is 1; allowed: 6 to 300 s"),
    ],
)
def test_a_wrong_flag_is_one_line(arguments: tuple[str, ...], says: str) -> None:
    done = run_tidings("doctor", *arguments, TIDINGS_STORE_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert done.stderr.startswith(f"tidings: {says}")
