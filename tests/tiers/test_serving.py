"""Workers that give slots to tiers: real processes, one saturated tier beside another."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from support.handlers import tier_kinds
from support.peer import Peer, peer
from support.store import running_store
from support.system import System
from support.tidings_command import run_tidings
from support.timeouts import scaled
from support.waiting import until_async

KINDS = str(Path(str(tier_kinds.__file__)))
QUICK = {"TIDINGS_LEASE_S": "0.6", "TIDINGS_HEARTBEAT_S": "0.1"}


@contextmanager
def system_of(*shares: str, **environment: str) -> Iterator[System]:
    """Run a system with a worker for each of `shares`."""
    with running_store() as store:
        system = System(store)
        try:
            for share in shares:
                system.add_worker(KINDS, TIDINGS_TIERS=share, **QUICK, **environment)
            system.add_server()
            yield system
        finally:
            system.close()


async def hold_some(client: Peer, path: Path, count: int) -> list[str]:
    acks = [await client.submit("hold", {"path": str(path)}) for _ in range(count)]
    return [ack["token"] for ack in acks]


async def see(client: Peer, event: str, count: int) -> list[str]:
    """Return the tokens of jobs that had an event, so many of them."""
    found: list[str] = []
    while len(found) < count:
        frame = await client.receive()
        if frame["type"] == "event" and frame["event"] == event:
            found.append(frame["token"])
    return found


def running(system: System, *tokens: str) -> int:
    found = [system.server.get(f"/v1/jobs/{token}")[1] for token in tokens]
    return sum(job["status"] == "running" for job in found)


async def test_a_saturated_heavy_tier_leaves_slots_to_the_others(tmp_path: Path) -> None:
    with system_of("fast=2,standard=1,heavy=1") as system:
        async with peer(system.server.socket_url) as client:
            for _ in range(6):
                await client.send("submit", kind="hold", input={"path": str(tmp_path / "end")})
            # In its own slot, and in one of fast's two.
            held = await see(client, "progress", 2)
            async with peer(system.server.socket_url) as other:
                for kind in ("quick", "usual") * 3:
                    assert (await other.run(kind))[-1]["event"] == "succeeded"
            assert running(system, *held) == 2
            (tmp_path / "end").touch()
            assert len(await see(client, "succeeded", 6)) == 6


async def test_heavy_jobs_of_a_killed_worker_go_on_elsewhere_beside_saturated_fast_ones(tmp_path: Path) -> None:
    with system_of("fast=2,heavy=1") as system:
        async with peer(system.server.socket_url) as client:
            (token,) = await hold_some(client, tmp_path / "end", 1)
            await client.until(token, "progress")
            system.add_worker(KINDS, TIDINGS_TIERS="fast=2,heavy=1", **QUICK)
            system.workers[0].signal(signal.SIGKILL)
            async with peer(system.server.socket_url) as other:
                for _ in range(200):
                    await other.send("submit", kind="quick", input={})
                again = await client.until(token, "started")
                assert again[-1]["data"]["attempt"] == 2
                assert len(await see(other, "succeeded", 200)) == 200
            (tmp_path / "end").touch()
            assert (await client.until(token))[-1]["event"] == "succeeded"


async def test_the_input_chooses_the_tier_and_one_that_is_asked_for_wins() -> None:
    with system_of("fast=1") as system:
        async with peer(system.server.socket_url) as client:
            assert (await client.run("scan", {"rows": 100}))[-1]["event"] == "succeeded"
            token = (await client.submit("scan", {"rows": 101}))["token"]
            assert (await client.run("scan", {"rows": 101}, tier="fast"))[-1]["event"] == "succeeded"
            assert system.server.get(f"/v1/jobs/{token}")[1]["status"] == "queued"
            refused = await client.submit("scan", {"rows": 1}, tier="slow")
            assert refused["problem"]["field"] == "/tier"
            assert "served in the tier 'fast' or 'heavy', not in 'slow'" in refused["problem"]["detail"]
            system.add_worker(KINDS, TIDINGS_TIERS="heavy=1", **QUICK)
            assert (await client.until(token))[-1]["event"] == "succeeded"


def under_way(folder: Path, tenant: str) -> list[str]:
    """Return the process ids of the attempts of a tenant's jobs that are under way."""
    found = []
    for mark in folder.glob(f"{tenant}-*"):
        with contextlib.suppress(FileNotFoundError):
            found.append(mark.read_text())
    return [pid for pid in found if pid]  # a mark that is empty is being written


async def test_a_limit_over_all_workers_is_kept_and_a_killed_worker_s_places_are_used_again(tmp_path: Path) -> None:
    folder, path = tmp_path / "marks", tmp_path / "end"
    folder.mkdir()
    with running_store() as store:
        system = System(store)
        try:
            for _ in range(2):
                system.add_worker(KINDS, **QUICK)
            system.add_server()
            async with peer(system.server.socket_url) as client:
                for tenant in "aabaabab":
                    fields = {"tenant": tenant, "folder": str(folder), "path": str(path)}
                    await client.send("submit", kind="exclusive", input=fields)
                await see(client, "started", 4)
                await until_async(
                    lambda: len(under_way(folder, "a")) >= 2 and len(under_way(folder, "b")) >= 2, seconds=15
                )
                pids = [one.process.pid for one in system.workers]
                killed = next(one for one in system.workers if str(one.process.pid) in under_way(folder, "a"))
                lost = [mark for mark in folder.iterdir() if mark.read_text() == str(killed.process.pid)]
                killed.signal(signal.SIGKILL)
                killed.wait()
                for mark in lost:
                    mark.unlink()
                # Those that were lost begin again elsewhere, and nobody else in their places.
                await see(client, "started", len(lost))
                await until_async(
                    lambda: len(under_way(folder, "a")) >= 2 and len(under_way(folder, "b")) >= 2, seconds=15
                )
                assert set(under_way(folder, "a") + under_way(folder, "b")) <= set(map(str, pids)) - {
                    str(killed.process.pid)
                }
                assert len(under_way(folder, "a")) == len(under_way(folder, "b")) == 2
                path.touch()
                assert len(await see(client, "succeeded", 8)) == 8
        finally:
            system.close()


async def test_a_rate_over_all_workers_is_kept_and_costs_no_attempt() -> None:
    with running_store() as store:
        system = System(store)
        try:
            for _ in range(2):
                system.add_worker(KINDS, **QUICK)
            system.add_server()
            async with peer(system.server.socket_url) as client:
                for _ in range(15):
                    await client.send("submit", kind="paced", input={})
                times: list[float] = []
                while len(times) < 15:
                    frame = await client.receive()
                    if frame["type"] == "event" and frame["event"] == "succeeded":
                        times.append(frame["data"]["result"])
                    if frame["type"] == "event" and frame["event"] == "started":
                        assert frame["data"]["attempt"] == 1
        finally:
            system.close()
    # Five at once, then one in 0.1 s: the last comes 1 s after the first.
    assert max(times) - min(times) >= 0.9


async def test_a_cheaper_kind_answers_when_too_much_waits() -> None:
    with running_store() as store:
        system = System(store)
        try:
            system.add_worker(KINDS, TIDINGS_TIERS="fast=1,standard=1", **QUICK)
            system.add_server()
            async with peer(system.server.socket_url) as client:
                # Until there is a measured rate nobody is turned away.
                answers: dict[str, str | None] = {}
                results: dict[str, str] = {}
                sent = 0
                with anyio.fail_after(scaled(30)):
                    while "fallback" not in answers.values() or set(answers) - set(results):
                        if "fallback" not in answers.values() and sent - len(results) < 60:
                            await client.send("submit", kind="dear", input={"n": sent})
                            sent += 1
                        frame = await client.receive()
                        if frame["type"] == "ack":
                            answers[frame["token"]] = frame["degraded"]
                        elif frame["type"] == "event" and frame["event"] == "succeeded":
                            results[frame["token"]] = frame["data"]["result"]
        finally:
            system.close()
    for token, degraded in answers.items():
        assert results[token].startswith("cheap" if degraded == "fallback" else "dear")


async def test_a_tier_that_no_worker_serves_is_told_by_the_worker_and_by_status(tmp_path: Path) -> None:
    with system_of("fast=2") as system:
        async with peer(system.server.socket_url) as client:
            (token,) = await hold_some(client, tmp_path / "end", 1)
            assert (await client.run("quick"))[-1]["event"] == "succeeded"
            assert running(system, token) == 0
        assert "tier_not_served" in system.workers[0].text()
        told = await anyio.to_thread.run_sync(lambda: tidings("status", TIDINGS_STORE_URL=system.store.url))
        assert told.returncode == 1
        assert "Jobs wait in default/heavy, and no worker serves it." in told.stdout
        assert "fast=2" in told.stdout
        system.add_worker(KINDS, TIDINGS_TIERS="heavy=1", **QUICK)
        (tmp_path / "end").touch()
        async with peer(system.server.socket_url) as client:
            await client.ask("watch", token=token)
            with anyio.fail_after(scaled(15)):
                while system.server.get(f"/v1/jobs/{token}")[1]["status"] != "succeeded":
                    await client.receive()


@pytest.mark.parametrize(
    ("share", "says"),
    [
        ("fast=0", "TIDINGS_TIERS gives fast 0 slots; allowed: 1 to 10000"),
        ("fast", "'fast'; a tier and its slots look like fast=8"),
        ("fst=2", "TIDINGS_TIERS names fst; the kinds of these modules have: fast, heavy, standard"),
    ],
)
def test_tiers_that_cannot_work_are_refused_at_the_start(share: str, says: str) -> None:
    with running_store() as store:
        told = tidings("work", KINDS, "--tiers", share, TIDINGS_STORE_URL=store.url, COLUMNS="200")
    assert told.returncode != 0
    assert says in " ".join((told.stdout + told.stderr).replace("│", " ").split())


def tidings(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return run_tidings(*arguments, **{"COLUMNS": "200", **environment})
