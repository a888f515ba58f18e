"""Sagas of a running system are exported, and replayed against the code of the next release."""

import stat
from pathlib import Path

import msgspec
import pytest

from support.peer import Peer, peer
from support.system import System, system_fixture
from support.tidings_command import run_tidings

EARLIER = str(Path(__file__).with_name("earlier_sagas.py"))
LATER = str(Path(__file__).with_name("later_sagas.py"))
CHANGED = str(Path(__file__).with_name("changed_sagas.py"))

system = system_fixture(workers=0)


@pytest.fixture
async def sagas(system: System) -> list[str]:
    """Have three sagas wait."""
    if not system.workers:
        system.add_worker(EARLIER)
        system.server.wait_until_ready(kinds=1)
    async with peer(system.server.socket_url) as client:
        return [await _begun(client) for _ in range(3)]


async def _begun(client: Peer) -> str:
    ack = await client.submit("deliver", {"item": "tea"})
    await client.until(ack["token"], "waiting")
    return str(ack["token"])


async def test_what_runs_is_tried_with_new_code_before_its_deploy(
    system: System, sagas: list[str], tmp_path: Path
) -> None:
    url = ("--store-url", system.store.url)
    file = tmp_path / "sagas.jsonl"
    done = run_tidings("saga", "export", "--output", str(file), *url)
    assert (done.returncode, done.stderr) == (0, "3 sagas.\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # The file needs no store any more.
    for code in (EARLIER, LATER):
        done = run_tidings("saga", "replay", code, "--recorded", str(file))
        assert (done.returncode, done.stdout) == (0, "3 sagas replayed, 0 do not fit.\n")
    done = run_tidings("saga", "replay", CHANGED, "--recorded", str(file))
    assert done.returncode == 1
    assert "step 1 is step 'reserve' in the journal, but the code asked for step 'weigh'" in done.stdout
    assert done.stdout.endswith("3 sagas replayed, 3 do not fit.\n")
    done = run_tidings("saga", "replay", CHANGED, "--json", *url)
    assert done.returncode == 1
    told = [msgspec.json.decode(line) for line in done.stdout.splitlines()]
    assert {one["token"] for one in told} == set(sagas)
    assert {(one["verdict"], one["path"]) for one in told} == {("diverged", "1")}
    # Nothing has changed: a replay is no attempt.
    assert all(system.server.get(f"/v1/jobs/{token}")[1]["attempt"] <= 1 for token in sagas)
    # Bounds.
    done = run_tidings("saga", "export", "--limit", "2", *url)
    head, *lines, end = done.stdout.splitlines()
    assert (len(lines), msgspec.json.decode(end)) == (2, {"sagas": 2, "whole": False})
    assert "there are more" in done.stderr
    assert msgspec.json.decode(head)["tidings_sagas"] == 1
    done = run_tidings("saga", "export", "--max-bytes", "1024", *url)
    assert len(done.stdout) < 1024 + 200
    for words, said in (
        (["replay", EARLIER, "--recorded", str(tmp_path / "none")], "No such file"),
        (["replay", EARLIER, "--recorded", EARLIER], "no recorded sagas"),
        (["replay", str(tmp_path / "none.py"), "--recorded", str(file)], "none.py"),
        (["export", "--queue", "other", *url], "there is no queue 'other'"),
        (["export", "--output", str(tmp_path / "none" / "file"), *url], "No such file"),
    ):
        done = run_tidings("saga", *words)
        assert done.returncode == 1
        assert said in done.stderr
