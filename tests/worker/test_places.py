"""A job is taken together with its thread or its process: what a worker has no place for is queued, for any other."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from redis import Redis

from support.handlers.places import placed_kinds
from support.peer import Peer, peer
from support.system import System, running_system
from support.waiting import until, until_async

KINDS = str(Path(str(placed_kinds.__file__)))


@contextmanager
def running(**environment: str) -> Iterator[System]:
    with running_system(servers=0, workers=0) as system:
        system.add_worker(KINDS, **environment)
        system.add_server()
        yield system


def began(path: Path) -> set[int]:
    """Return the numbers of the handlers that have begun."""
    return {int(one.name.rpartition(".")[2]) for one in path.parent.glob(path.name + ".began.*")}


async def submit(client: Peer, kind: str, path: Path, count: int, first: int = 0) -> list[str]:
    """Submit so many, one after the other."""
    numbers = range(first, first + count)
    return [(await client.submit(kind, {"path": str(path), "number": number}))["token"] for number in numbers]


async def states(system: System, tokens: list[str]) -> Counter[str]:
    """Return how many jobs are in which state."""
    async with httpx.AsyncClient(base_url=system.server.url) as http:
        return Counter([(await http.get(f"/v1/jobs/{token}")).json()["status"] for token in tokens])


@pytest.mark.parametrize(
    ("kind", "few", "many"),
    [
        ("hold_thread", {"TIDINGS_THREADS": "2"}, {"TIDINGS_THREADS": "20"}),
        ("hold_thread_alone", {"TIDINGS_THREADS": "2"}, {"TIDINGS_THREADS": "20"}),
        ("hold_process", {"TIDINGS_PROCESSES": "2"}, {"TIDINGS_PROCESSES": "4"}),
        ("hold_slot", {"TIDINGS_SLOTS": "2"}, {"TIDINGS_SLOTS": "20"}),
    ],
)
async def test_no_more_runs_than_there_are_places_and_another_worker_s_get_the_rest_at_once(
    tmp_path: Path, kind: str, few: dict[str, str], many: dict[str, str]
) -> None:
    path = tmp_path / "go"
    here, there = (int(*each.values()) for each in (few, many))
    with running(**few, TIDINGS_LEASE_S="30") as system:
        async with peer(system.server.socket_url) as client:
            tokens = await submit(client, kind, path, 30)
            until(lambda: len(began(path)) == here)
            assert (await client.submit("note", {"path": str(tmp_path / "x"), "number": 1}))["type"] == "ack"
            assert await states(system, tokens) == {"running": here, "queued": 30 - here}
            assert began(path) == set(range(here)), "those that were queued first"
            system.add_worker(KINDS, **many, TIDINGS_LEASE_S="30")
            until(lambda: len(began(path)) == here + there)  # long before a lease is over
            assert await states(system, tokens) == {"running": here + there, "queued": 30 - here - there}
            path.touch()
            assert set((await client.ends(*tokens)).values()) == {"succeeded"}
            async with httpx.AsyncClient(base_url=system.server.url) as http:
                for token in tokens:
                    assert (await http.get(f"/v1/jobs/{token}")).json()["attempt"] == 1
        for worker in system.workers:
            assert "taken_over" not in worker.text()


@pytest.mark.parametrize("tiers", [{}, {"TIDINGS_TIERS": "standard=50"}])
async def test_what_needs_no_thread_is_not_held_up_by_what_waits_for_one(tmp_path: Path, tiers: dict[str, str]) -> None:
    path = tmp_path / "go"
    with running(TIDINGS_THREADS="2", TIDINGS_PROCESSES="1", **tiers) as system:
        async with peer(system.server.socket_url) as client:
            held = await submit(client, "hold_thread", path, 20) + await submit(client, "hold_process", path, 5, 20)
            until(lambda: len(began(path)) == 3)
            for _ in range(20):
                assert (await client.run("quick"))[-1]["event"] == "succeeded"
            assert await states(system, held) == {"running": 3, "queued": 22}
            for token in (held[15], held[24]):  # set apart, it is cancelled as any that waits
                answer, end = await client.cancel(token)
                assert (answer["type"], end["event"]) == ("done", "cancelled"), answer
            path.touch()
            left = [token for token in held if token not in (held[15], held[24])]
            assert set((await client.ends(*left)).values()) == {"succeeded"}


@pytest.mark.parametrize("kind", ["note", "note_alone"])
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_waits_for_a_thread_begins_in_the_order_of_submission(
    tmp_path: Path, kind: str, at_once: bool
) -> None:
    path, go = tmp_path / "order", tmp_path / "go"
    holds = "hold_thread" if kind == "note" else "hold_thread_alone"
    jobs = [{"kind": holds, "input": {"path": str(go), "number": 0}}]
    for number in range(30):
        jobs.append({"kind": kind, "input": {"path": str(path), "number": number}})
        jobs.append({"kind": "quick", "input": {}})
    with running(TIDINGS_THREADS="1") as system:
        async with httpx.AsyncClient(base_url=system.server.url) as http:
            if at_once:
                tokens = [ack["token"] for ack in (await http.post("/v1/jobs/batch", json=jobs)).json()]
            else:
                tokens = [(await http.post("/v1/jobs", json=job)).json()["token"] for job in jobs]
            until(lambda: began(go) == {0})
            go.touch()
            await until_async(lambda: states(system, tokens), lambda found: found == {"succeeded": len(tokens)})
    assert path.read_text().split() == [str(number) for number in range(30)]


async def test_the_time_of_an_attempt_counts_from_its_start_and_that_is_when_its_function_begins(
    tmp_path: Path,
) -> None:
    path = tmp_path / "go"
    with running(TIDINGS_THREADS="1") as system:
        async with peer(system.server.socket_url) as client:
            (first,) = await submit(client, "hold_thread", path, 1)
            until(lambda: began(path) == {0})
            late = (await client.submit("limited"))["token"]
            assert await states(system, [late]) == {"queued": 1}
            path.touch()
            assert await client.ends(first, late) == {first: "succeeded", late: "succeeded"}
            async with httpx.AsyncClient(base_url=system.server.url) as http:
                before, after = [(await http.get(f"/v1/jobs/{token}")).json()["milestones"] for token in (first, late)]
            assert after["started"] >= before["finished"]


async def test_the_time_of_a_step_counts_from_its_start_too(tmp_path: Path) -> None:
    path = tmp_path / "go"
    with running(TIDINGS_THREADS="1") as system:
        async with peer(system.server.socket_url) as client:
            (first,) = await submit(client, "hold_in_step", path, 1)
            until(lambda: began(path) == {0})
            late = (await client.submit("limited_in_step"))["token"]
            await client.until(late, "started")
            await anyio.sleep(1)  # twice its limit
            path.touch()
            assert await client.ends(first, late) == {first: "succeeded", late: "succeeded"}


async def test_a_job_of_a_worker_that_died_waits_for_a_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "go"
    quick = {"TIDINGS_LEASE_S": "1.5", "TIDINGS_HEARTBEAT_S": "0.4"}
    with running(TIDINGS_THREADS="4", **quick) as system:
        async with peer(system.server.socket_url) as client:
            tokens = await submit(client, "hold_thread", path, 4)
            until(lambda: len(began(path)) == 4)
            system.workers[0].close()
            for one in path.parent.glob("*.began.*"):
                one.unlink()
            other = system.add_worker(KINDS, **quick, TIDINGS_THREADS="1")
            until(lambda: len(began(path)) == 1)
            assert (await client.run("quick"))[-1]["event"] == "succeeded"
            path.touch()
            assert set((await client.ends(*tokens)).values()) == {"succeeded"}
            assert "taken_over" in other.text()


MODULE = """
from pathlib import Path
import time
from tidings import job

@job
async def quick() -> str:
    return "quick"

@job
{define} work(path: str) -> str:
    Path(path + ".began.0").touch()
    while not Path(path).exists():
        {wait}
    return "{define}"
"""


async def test_what_was_set_apart_is_found_by_a_release_that_needs_no_thread_for_it(tmp_path: Path) -> None:
    before, after, path = tmp_path / "before.py", tmp_path / "after.py", tmp_path / "go"
    before.write_text(MODULE.format(define="def", wait="time.sleep(0.01)"))
    after.write_text("import anyio\n" + MODULE.format(define="async def", wait="await anyio.sleep(0.01)"))
    quick = {"TIDINGS_LEASE_S": "3", "TIDINGS_HEARTBEAT_S": "0.4", "TIDINGS_THREADS": "1"}
    with running_system(servers=0, workers=0) as system:
        old = system.add_worker(str(before), **quick)
        system.add_server()
        async with peer(system.server.socket_url) as client:
            tokens = [(await client.submit("work", {"path": str(path)}))["token"] for _ in range(5)]
            until(lambda: began(path) == {0})
            assert (await client.run("quick"))[-1]["event"] == "succeeded"
            assert await states(system, tokens) == {"running": 1, "queued": 4}
            old.close()
            system.add_worker(str(after), **quick)
            path.touch()
            assert set((await client.ends(*tokens)).values()) == {"succeeded"}


async def test_jobs_that_come_one_by_one_cost_the_store_about_one_read_each() -> None:
    """Though the worker serves kinds for threads, so that it counts the slots of what it looks for beforehand."""
    jobs = 60
    with running() as system, Redis(port=system.store.port) as store:

        def reads() -> int:
            found: int = store.info("commandstats")["cmdstat_xreadgroup"]["calls"]
            return found

        async with peer(system.server.socket_url) as client:
            await client.run("quick")
            before = reads()
            for _ in range(jobs):
                await client.run("quick")
            assert reads() - before < 100
