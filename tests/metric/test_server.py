"""The page of a real server: what it counts, what lies in the store, and what it says while the store is away."""

import signal
import time
from pathlib import Path

import httpx
import pytest

from support.peer import peer
from support.scrape import Scraped, scrape, scrape_openmetrics, text, until
from support.system import System, system_fixture

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


system = system_fixture()


@pytest.fixture
def page(system: System) -> str:
    return system.server.url + "/metrics"


async def test_acks_over_the_socket_and_over_http_are_counted_by_kind(system: System, page: str) -> None:
    before = scrape(page).sum("tidings_ack_seconds_count", kind="echo")
    async with peer(system.server.socket_url) as client:
        for _ in range(3):
            await client.submit("echo", {"text": "x"})
    httpx.post(system.server.url + "/v1/jobs", json={"kind": "echo", "input": {"text": "x"}}).raise_for_status()
    after = until(page, lambda now: now.sum("tidings_ack_seconds_count", kind="echo") == before + 4)
    assert after.sum("tidings_ack_seconds_bucket", kind="echo", le="+Inf") == before + 4
    assert 0 < after.sum("tidings_ack_seconds_sum", kind="echo") < 10
    assert {one.labels["tier"] for one in after.each("tidings_ack_seconds_count", kind="echo")} == {"standard"}


async def test_a_refused_submit_has_no_ack(system: System, page: str) -> None:
    before = scrape(page).sum("tidings_ack_seconds_count")
    async with peer(system.server.socket_url) as client:
        assert (await client.submit("none_of_ours"))["problem"]["code"] == "unknown_kind"
        await client.submit("noop")
    after = until(page, lambda now: now.sum("tidings_ack_seconds_count") > before)
    assert after.sum("tidings_ack_seconds_count") == before + 1
    assert not after.has("tidings_ack_seconds_count", kind="none_of_ours")


async def test_events_are_counted_by_their_class_from_the_store_to_the_socket(system: System, page: str) -> None:
    before = {name: scrape(page).sum("tidings_notify_seconds_count", event=name) for name in ("progress", "final")}
    begin = time.monotonic()
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("steps", {"count": 1})
        await client.until(ack["token"])
    took = time.monotonic() - begin

    def told(now: Scraped) -> bool:
        return all(now.sum("tidings_notify_seconds_count", event=name) == before[name] + 1 for name in before)

    after = until(page, told)
    sums = {name: after.sum("tidings_notify_seconds_sum", event=name) for name in before}
    # A store whose clock was not found would make this hours, or nothing at all.
    assert 0 < sum(sums.values()) < (1 + before["final"]) * (took + 1)


async def test_what_is_connected_and_watched_is_counted(system: System, page: str, tmp_path: Path) -> None:
    path = tmp_path / "go"
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(path)})
        url = f"{system.server.url}/v1/jobs/{ack['token']}/events"
        async with httpx.AsyncClient() as http, http.stream("GET", url) as stream:
            assert stream.status_code == 200
            now = until(page, lambda now: now.sum("tidings_connections", transport="stream") == 1)
            assert now.sum("tidings_connections", transport="socket") == 1
            assert now.sum("tidings_watches") == 1
            until(page, lambda now: now.sum("tidings_running_jobs") == 1)
            path.touch()
            await client.until(ack["token"])
    until(page, lambda now: now.sum("tidings_connections") == 0 and now.sum("tidings_watches") == 0)


async def test_what_lies_in_the_store_is_told(system: System, page: str) -> None:
    async with peer(system.server.socket_url) as client:
        await client.submit("noop", delay=3600)
        failed = await client.submit("reject")
        await client.until(failed["token"])
    now = until(page, lambda now: now.sum("tidings_dead_jobs") >= 1 and now.sum("tidings_scheduled_jobs") >= 1)
    assert now.sum("tidings_store_up") == now.sum("tidings_workers") == 1
    assert now.sum("tidings_kind_workers", kind="noop") == 1
    assert now.sum("tidings_backlog_jobs") == now.sum("tidings_oldest_waiting_seconds") == 0
    assert now.sum("tidings_store_memory_bytes") > 100_000
    assert now.has("tidings_store_memory_max_bytes")
    assert now.has("process_cpu_seconds_total")


async def test_openmetrics_is_answered_with_exemplars_whichever_accept_header_asks_for_it(
    system: System, page: str
) -> None:
    async with peer(system.server.socket_url) as client:
        await client.submit("echo", {"text": "x"}, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")

    def traced(now: Scraped) -> bool:
        found = [one.exemplar for one in now.each("tidings_ack_seconds_bucket") if one.exemplar]
        return TRACE in {one.labels["trace_id"] for one in found}

    until(page, traced, scrape_openmetrics)
    assert text(page)[0].startswith("text/plain; version=0.0.4")
    for accept in ("application/openmetrics-text", "application/openmetrics-text; version=x, */*;q=y"):
        assert text(page, accept)[0].startswith("application/openmetrics-text; version=1.0.0")


async def test_while_the_store_is_away_the_page_tells_at_once_what_the_process_knows(system: System, page: str) -> None:
    store = system.store.process
    assert store is not None
    async with peer(system.server.socket_url) as client:
        await client.submit("noop")
        await client.submit("noop")
    known = until(page, lambda now: now.sum("tidings_ack_seconds_count", kind="noop") >= 2)
    store.send_signal(signal.SIGSTOP)
    try:
        away = until(page, lambda now: now.sum("tidings_store_up") == 0)
    finally:
        store.send_signal(signal.SIGCONT)
    for name in ("tidings_ack_seconds_count", "tidings_notify_seconds_count"):
        assert away.sum(name) >= known.sum(name) > 0
    assert not away.has("tidings_backlog_jobs")
    until(page, lambda now: now.sum("tidings_store_up") == 1 and now.has("tidings_backlog_jobs"))
    system.store.kill()
    until(page, lambda now: now.sum("tidings_store_up") == 0)
    system.store.start()
    until(page, lambda now: now.sum("tidings_store_up") == 1)


async def test_a_server_told_so_has_no_such_page(system: System) -> None:
    server = system.add_server(TIDINGS_METRICS="false")
    assert httpx.get(server.url + "/metrics").status_code == 404
