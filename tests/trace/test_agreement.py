"""What four places tell of one job's milestones is the same: snapshot, metrics, console, trace."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from support.peer import peer
from support.scrape import scrape, until
from support.system import System
from tidings.process.port import free_port

from .receiver import Receiver, running_receiver
from .traced_system import traced_system

SPANS = ("enqueued", "started"), ("started", "finished"), ("submitted", "finished")
METRICS = "tidings_queue_wait_seconds", "tidings_run_seconds", "tidings_total_seconds"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def system(receiver: Receiver, port: int) -> Iterator[System]:
    with traced_system(receiver.url, TIDINGS_METRICS_PORT=str(port)) as system:
        yield system


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


async def test_milestones_agree_to_the_millisecond(system: System, receiver: Receiver, port: int) -> None:
    async with peer(system.server.socket_url) as client:
        ack = await client.submit("plain")
        await client.until(ack["token"])
        snapshot = await client.ask("watch", token=ack["token"])
    at = {name: ms(text) for name, text in snapshot["milestones"].items()}
    durations = [(at[end] - at[begin]) / 1000 for begin, end in SPANS]

    page = until(f"http://127.0.0.1:{port}/metrics", lambda page: page.sum("tidings_jobs_total", kind="plain") == 1)
    # Of this kind alone: the worker serves one that recurs each second too.
    assert [page.sum(f"{name}_sum", kind="plain") for name in METRICS] == pytest.approx(durations, abs=1e-9)

    async with httpx.AsyncClient(base_url=system.server.url) as http:
        detail: dict[str, Any] = (await http.get(f"/v1/admin/jobs/{ack['token']}")).json()
        series: dict[str, Any] = (await http.get("/v1/admin/series", params={"minutes": 15, "kind": "plain"})).json()
    assert detail["milestones"] == snapshot["milestones"]
    assert detail["trace_id"] == snapshot["trace_id"]
    (point,) = (point for point in series["points"] if point["count"])
    assert [point[name]["p50"] for name in ("wait", "run", "total")] == pytest.approx(durations, abs=1e-9)

    await receiver.until(
        snapshot["trace_id"],
        """
    submit plain
      process plain
      notify plain
    """,
    )
    submit, process, notify = (
        receiver.named(snapshot["trace_id"], f"{name} plain").begun_ns // 1_000_000
        for name in ("submit", "process", "notify")
    )
    # Spans begin by the clocks of their processes, which here are the store's too: each between its milestones.
    assert submit <= at["submitted"] <= at["enqueued"] <= at["dequeued"] <= at["started"]
    assert at["started"] <= process <= at["finished"] <= notify
    assert scrape(f"{system.server.url}/metrics").sum("tidings_ack_seconds_count") == 1
