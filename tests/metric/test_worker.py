"""The page of a real worker: it agrees with what the snapshots of the jobs say, whatever the worker's clock says."""

import math
import signal
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.peer import peer
from support.scrape import scrape, scrape_openmetrics, text, until
from support.system import System, running_system
from support.timeouts import scaled
from tidings.process.port import free_port

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
QUICK = {"TIDINGS_LEASE_S": "1", "TIDINGS_HEARTBEAT_S": "0.2"}


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def system(port: int) -> Iterator[System]:
    with running_system(1, 1, TIDINGS_METRICS_PORT=str(port), **QUICK) as system:
        yield system


@pytest.fixture
def page(port: int) -> str:
    return f"http://127.0.0.1:{port}/metrics"


def seconds_between(snapshot: dict[str, Any], begin: str, end: str) -> float:
    at = {name: datetime.fromisoformat(snapshot["milestones"][name]) for name in (begin, end)}
    return (at[end] - at[begin]).total_seconds()


async def snapshots(system: System, *tokens: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=system.server.url) as http:
        return [(await http.get(f"/v1/jobs/{token}")).json() for token in tokens]


async def test_waits_runs_and_totals_are_those_of_the_snapshots(system: System, page: str) -> None:
    names = ("tidings_queue_wait_seconds", "tidings_run_seconds", "tidings_total_seconds")
    milestones = (("enqueued", "started"), ("started", "finished"), ("submitted", "finished"))
    before = scrape(page)
    (worker,) = system.workers
    async with peer(system.server.socket_url) as client:
        worker.signal(signal.SIGSTOP)  # so that they wait for some time
        acks = [await client.submit("count", {"chunks": 3, "pause": 0.01 * number}) for number in range(10)]
        worker.signal(signal.SIGCONT)
        assert set((await client.ends(*(ack["token"] for ack in acks))).values()) == {"succeeded"}
    told = await snapshots(system, *(ack["token"] for ack in acks))
    assert any(seconds_between(one, "enqueued", "started") > 0 for one in told)
    after = until(page, lambda now: now.sum("tidings_jobs_total", kind="count") == 10)
    for name, (begin, end) in zip(names, milestones, strict=True):
        assert after.sum(f"{name}_count", kind="count") - before.sum(f"{name}_count", kind="count") == 10
        expected = math.fsum(seconds_between(one, begin, end) for one in told)
        assert after.sum(f"{name}_sum", kind="count") == pytest.approx(expected, abs=1e-6)
    counted = {one.labels["outcome"] for one in after.each("tidings_jobs_total", kind="count") if one.value}
    assert counted == {"succeeded"}


async def test_each_way_to_end_has_its_outcome(system: System, page: str, tmp_path: Path) -> None:
    async with peer(system.server.socket_url) as client:
        await client.run("reject")
        late = await client.submit("wait_for_file", {"path": str(tmp_path / "a")}, deadline=0.2)
        await client.until(late["token"])
        running = await client.submit("wait_for_file", {"path": str(tmp_path / "b")})
        await client.until(running["token"], "log")
        await client.cancel(running["token"])
        failing = await client.submit("flaky", {"succeed_at": 2})
        assert (await client.until(failing["token"]))[-1]["event"] == "succeeded"
    now = until(page, lambda now: now.sum("tidings_jobs_total", kind="flaky", outcome="succeeded") == 1)
    assert now.sum("tidings_jobs_total", kind="reject", outcome="failed") == 1
    assert now.sum("tidings_jobs_total", kind="wait_for_file", outcome="expired") == 1
    assert now.sum("tidings_jobs_total", kind="wait_for_file", outcome="cancelled") == 1
    assert now.sum("tidings_retries_total", kind="flaky") == 1
    assert now.sum("tidings_run_seconds_count", kind="flaky", outcome="retrying") == 1
    assert now.sum("tidings_queue_wait_seconds_count", kind="flaky") == 2
    assert not now.has("tidings_total_seconds_count", kind="flaky", outcome="retrying")


async def test_a_trace_can_be_found_from_what_took_long(system: System, page: str) -> None:
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("noop", traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
        await client.until(ack["token"])
    now = until(page, lambda now: now.sum("tidings_jobs_total", kind="noop") >= 1, scrape_openmetrics)
    for name in ("tidings_queue_wait_seconds", "tidings_run_seconds", "tidings_total_seconds"):
        found = [one.exemplar for one in now.each(f"{name}_bucket", kind="noop") if one.exemplar]
        assert TRACE in {one.labels["trace_id"] for one in found}


async def test_a_job_of_a_lost_worker_is_counted_where_it_runs_again(
    system: System, port: int, page: str, tmp_path: Path
) -> None:
    path = tmp_path / "go"
    (lost,) = system.workers
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(path)})
        await client.until(ack["token"], "log")
        lost.process.kill()
        lost.wait()
        system.add_worker(TIDINGS_METRICS_PORT=str(port), **QUICK)
        await client.until(ack["token"], "log")  # said anew, so it runs again
        path.touch()
        await client.until(ack["token"])
    now = until(page, lambda now: now.sum("tidings_jobs_total", kind="wait_for_file") == 1)
    assert now.sum("tidings_redeliveries_total", kind="wait_for_file") == now.sum("tidings_redeliveries_total") == 1
    assert now.sum("tidings_retries_total") == 0


async def test_what_begins_again_counts_from_nothing_and_each_worker_for_itself(system: System, page: str) -> None:
    second_port = free_port()
    second_page = f"http://127.0.0.1:{second_port}/metrics"
    second = system.add_worker(TIDINGS_METRICS_PORT=str(second_port), **QUICK)
    until_served(second_page)
    pages = (page, second_page)
    before = sum(scrape(one).sum("tidings_jobs_total") for one in pages)
    async with peer(system.server.socket_url) as client:
        for _ in range(50):
            await client.run("noop")
    until(page, lambda _: sum(scrape(one).sum("tidings_jobs_total") for one in pages) == before + 50)
    second.signal(signal.SIGTERM)
    assert second.wait() == 0
    system.add_worker(TIDINGS_METRICS_PORT=str(second_port), **QUICK)
    until_served(second_page)
    assert scrape(second_page).sum("tidings_jobs_total") == 0


async def test_it_says_that_it_lives_and_answers_nothing_else(system: System, port: int, page: str) -> None:
    base = f"http://127.0.0.1:{port}"
    assert (httpx.get(f"{base}/healthz").status_code, httpx.get(f"{base}/healthz").text) == (200, "ok\n")
    assert httpx.get(f"{base}/").status_code == 404
    assert httpx.post(page).status_code == 405
    head = httpx.head(page)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100
    assert text(page, "application/openmetrics-text; version=x")[0].startswith("application/openmetrics-text")
    with socket.create_connection(("127.0.0.1", port), timeout=scaled(10)) as connection:
        connection.sendall(b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n")
        assert connection.recv(1000) == b""
    # Whoever holds connections open keeps nobody else out for longer than they may be held.
    held = [socket.create_connection(("127.0.0.1", port), timeout=scaled(10)) for _ in range(16)]
    for connection in held:
        connection.close()
    until_served(page)


def until_served(page: str) -> None:
    until(page, lambda now: now.sum("tidings_store_up") == 1, patient)


def patient(page: str) -> Any:
    try:
        return scrape(page)
    except OSError:
        return Nothing()


class Nothing:
    """A page that is not there."""

    def sum(self, name: str) -> float:
        return 0


def test_a_port_in_use_is_said_in_one_line(system: System, port: int) -> None:
    second = system.add_worker(TIDINGS_METRICS_PORT=str(port))
    assert second.wait() == 1
    who = "another program listens there, perhaps another `tidings`"
    says = f"tidings: metrics: port {port} of 127.0.0.1 is in use: {who}. "
    assert second.text().strip() == f"{says}Stop it, or take another with --metrics-port or TIDINGS_METRICS_PORT"


def test_while_the_store_is_away_a_worker_tells_at_once_what_it_knows(system: System, page: str) -> None:
    known = scrape(page).sum("tidings_jobs_total")
    system.store.kill()
    away = until(page, lambda now: now.sum("tidings_store_up") == 0)
    assert away.sum("tidings_jobs_total") == known > 0
    system.store.start()
    until(page, lambda now: now.sum("tidings_store_up") == 1)
