"""Several processes, and what happens when one of them dies."""

import signal
from pathlib import Path
from typing import Any

import anyio

from support.peer import peer
from support.system import System, system_fixture
from tidings.protocol.tokens import split_token
from tidings.store.admin.dead_letters import DeadLetters
from tidings.store.keys import StoreKeys
from tidings.store.redis.store_client import open_store

QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2", "TIDINGS_GRACE_S": "1"}


system = system_fixture(servers=2, scope="function", both=QUICK)


async def test_one_job_watched_from_two_servers_ends_the_same_on_both(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    first, second = system.servers
    async with peer(first.socket_url) as one, peer(second.socket_url) as two:
        ack = await one.submit("wait_for_file", {"path": str(path)})
        snapshot = await two.ask("watch", token=ack["token"])
        path.touch()
        ends = [(await client.until(ack["token"]))[-1] for client in (one, two)]
        assert ends[0] == ends[1]
        assert ends[0]["seq"] > snapshot["seq"]
        again = await two.submit("noop", key="shared")
        duplicate = await one.submit("noop", key="shared")
        assert (duplicate["token"], duplicate["duplicate"]) == (again["token"], True)


async def test_a_job_whose_worker_is_killed_runs_again_elsewhere(system: System, tmp_path: Path) -> None:
    system.add_worker(**QUICK)
    async with peer(system.server.socket_url) as client:
        events = await client.run("kill_worker", {"flag": str(tmp_path / "flag")})
    assert events[-1]["data"]["result"] == "attempt 2"
    assert [event["event"] for event in events] == ["started", "started", "succeeded"]
    assert sorted(worker.process.poll() is None for worker in system.workers) == [False, True]


async def test_a_job_that_kills_its_workers_lies_in_the_dead_letters_after_some(system: System) -> None:
    for _ in range(2):
        system.add_worker(**QUICK)
    async with peer(system.server.socket_url) as client:
        events = await client.run("poison")
        assert [event["event"] for event in events] == ["started", "started", "started", "failed"]
        assert events[-1]["data"]["problem"]["code"] == "worker_lost"
        assert (await client.run("noop"))[-1]["event"] == "succeeded"
    assert sorted(worker.process.poll() is None for worker in system.workers) == [False, False, True]
    store = open_store(system.store.url)
    partition, job = split_token(events[0]["token"])
    letter = (await DeadLetters(store, StoreKeys(), partition).find(job))[job]
    await store.aclose()
    assert [(one.attempt, one.event) for one in letter.history] == [(1, "lost"), (2, "lost"), (3, "failed")]


async def test_every_submit_to_a_server_that_is_asked_to_leave_is_acked_or_refused(system: System) -> None:
    first, second = system.servers
    acked, refused = set(), 0
    async with peer(first.socket_url) as client:
        refs = {await client.send("submit", kind="noop", input={}, watch=False) for _ in range(50)}
        first.signal(signal.SIGTERM)
        refs |= {await client.send("submit", kind="noop", input={}, watch=False) for _ in range(50)}
        for ref in refs:
            answer = await client.answer(ref)
            if answer["type"] == "ack":
                acked.add(answer["token"])
            else:
                assert answer["problem"]["code"] == "draining"
                refused += 1
    assert len(acked) + refused == 100
    async with peer(second.socket_url) as client:
        for token in acked:
            snapshot = await client.ask("watch", token=token)
            if snapshot["status"] != "succeeded":
                assert (await client.until(token))[-1]["event"] == "succeeded"


async def test_a_job_that_takes_longer_than_a_lease_stays_with_its_worker(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    system.add_worker(**QUICK)
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(ack["token"], "log")
        await anyio.sleep(3 * float(QUICK["TIDINGS_LEASE_S"]))
        path.touch()
        assert [event["event"] for event in await client.until(ack["token"])] == ["succeeded"]
    assert not any("taken_over" in worker.text() for worker in system.workers)


async def test_a_worker_that_is_asked_to_leave_hands_back_what_it_cannot_finish(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    (old,) = system.workers
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(ack["token"], "log")
        old.signal(signal.SIGTERM)
        assert [event["event"] for event in await client.until(ack["token"], "queued")] == ["queued"]
        assert old.wait() == 0, old.text()
        system.add_worker(**QUICK)
        path.touch()
        events = await client.until(ack["token"])
    assert [event["event"] for event in events][-1] == "succeeded"
    assert events[0]["data"] == {"attempt": 1}  # what was handed back does not count


async def test_a_worker_that_is_asked_to_leave_finishes_what_it_can(system: System, tmp_path: Path) -> None:
    path = tmp_path / "go"
    (old,) = system.workers
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(ack["token"], "log")
        old.signal(signal.SIGTERM)
        path.touch()
        assert (await client.until(ack["token"]))[-1]["event"] == "succeeded"
    assert old.wait() == 0, old.text()


async def test_a_kind_that_one_worker_of_the_queue_does_not_serve_reaches_one_that_does(
    system: System, tmp_path: Path
) -> None:
    other = tmp_path / "other.py"
    other.write_text("from tidings import job\n@job\nasync def elsewhere() -> int:\n    return 1\n")
    before = len(system.server.get("/v1/kinds")[1]["kinds"])
    stranger = system.add_worker(str(other), **QUICK)
    system.server.wait_until_ready(kinds=before + 1)
    async with peer(system.server.socket_url) as client:
        bounces: list[dict[str, Any]] = []
        for n in range(40):
            if not bounces:
                events = await client.run("echo", {"text": str(n)})
                assert events[-1]["data"] == {"result": str(n)}
                bounces = [event["data"] for event in events if event["event"] == "queued"]
                assert [event["data"] for event in events if event["event"] == "started"][-1] == {"attempt": 1}
        assert bounces[0] == {"waits_for": "a worker that serves echo"}
    assert stranger.text().count("kind_not_served") == 1


async def test_a_worker_does_not_wait_for_a_thread_that_does_not_stop(system: System, tmp_path: Path) -> None:
    (worker,) = system.workers
    async with peer(system.server.socket_url) as client:
        events = await client.run("stuck", {"path": str(tmp_path / "never")})
        assert events[-1]["data"]["problem"]["code"] == "timeout"
        assert (await client.run("noop"))[-1]["event"] == "succeeded"
    worker.signal(signal.SIGTERM)
    assert worker.wait(10) == 0, worker.text()
    assert "threads_left" in worker.text()


async def test_a_server_that_is_asked_to_leave_says_goodbye_and_another_carries_on(
    system: System, tmp_path: Path
) -> None:
    path = tmp_path / "go"
    first, second = system.servers
    async with peer(first.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(path)})
        events = await client.until(ack["token"], "log")
        first.signal(signal.SIGTERM)
        while (frame := await client.receive())["type"] != "goaway":
            pass
        assert 0 <= frame["reconnect_after"] <= 1
        refused = await client.submit("noop")
        assert refused["problem"]["code"] == "draining"
        await client.connection.wait_closed()
        assert client.connection.close_code == 1012
    assert first.wait() == 0, first.text()
    async with peer(second.socket_url) as client:
        snapshot = await client.ask("watch", token=ack["token"], after=events[-1]["seq"])
        assert snapshot["log"] == []
        path.touch()
        assert (await client.until(ack["token"]))[-1]["event"] == "succeeded"


async def test_a_store_that_is_killed_keeps_what_was_acked_and_watchers_hear_the_end(
    system: System, tmp_path: Path
) -> None:
    path = tmp_path / "go"
    async with peer(system.server.socket_url) as client:
        running = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(running["token"], "log")
        delayed = await client.submit("noop", delay=1)
        system.store.kill()
        refused = await client.submit("noop")
        assert refused["problem"]["code"] == "store_unavailable"
        assert refused["problem"]["retry_after"] > 0
        assert system.server.get("/readyz")[0] == 503
        system.store.start()
        path.touch()
        ends: dict[str, str] = {}
        while len(ends) < 2:
            frame = await client.receive()
            status = frame.get("status")
            if status in ("succeeded", "failed"):
                ends[frame["token"]] = status
        assert ends == {running["token"]: "succeeded", delayed["token"]: "succeeded"}
        system.server.wait_until_ready()
        assert (await client.run("noop"))[-1]["event"] == "succeeded"


def test_a_missing_store_is_one_clear_line(system: System) -> None:
    system.store.kill()
    for process in (system.add_worker(),):
        assert process.wait() != 0
        lines = [line for line in process.text().splitlines() if line.strip()]
        assert len(lines) == 1, process.text()
        assert system.store.url in lines[0]
        assert "TIDINGS_STORE_URL" in lines[0]
