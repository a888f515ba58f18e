"""Pauses, objectives, and the audit log, in which everything that operators do stands."""

import subprocess
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from support.credential import bearer, token
from support.system import System
from support.tidings_command import run_tidings
from support.waiting import until_async

NASTY = "<script>\r\n\u2028' OR 1=1"


async def until(done: Callable[[], Any]) -> None:
    """Wait until an awaitable condition holds."""
    await until_async(done, seconds=20)


def tidings(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_tidings(*arguments, TIDINGS_STORE_URL=system.store.url, COLUMNS="200")


async def status_of(client: httpx.AsyncClient, job: str) -> str:
    status: str = (await client.get(f"/v1/jobs/{job}", headers={"prefer": ""})).json()["status"]
    return status


async def paused_in_log(system: System, event: str, times: int) -> None:
    async def logged() -> bool:
        return system.workers[0].text().count(f'"{event}"') >= times

    await until(logged)


async def submit(alice: httpx.AsyncClient, kind: str = "noop") -> str:
    answer = await alice.post("/v1/jobs", json={"kind": kind, "input": {}}, headers={"prefer": ""})
    assert answer.status_code == 202
    job: str = answer.json()["token"]
    return job


async def line_of(admin: httpx.AsyncClient) -> dict[str, Any]:
    lines = (await admin.get("/v1/admin/overview")).json()["queues"]
    found: dict[str, Any] = next(line for line in lines if line["queue"] == "default")
    return found


async def test_the_workers_of_a_paused_queue_take_nothing_until_it_is_resumed(
    system: System, admin: httpx.AsyncClient, alice: httpx.AsyncClient
) -> None:
    before = system.workers[0].text().count('"queue_paused"')
    answer = await admin.post("/v1/admin/queues/default/pause", json={})
    assert answer.json() == {"queue": "default", "paused": True}
    # The worker waits for a job at this moment, in the store: that too must end.
    await paused_in_log(system, "queue_paused", before + 1)
    job = await submit(alice)
    line = await line_of(admin)
    assert (line["paused"], line["waiting"], line["running"]) == (True, 1, 0)
    shown = await anyio.to_thread.run_sync(tidings, system, "status")
    assert "default is paused" in shown.stdout
    # A second look of the worker at the store, which is where a lost announcement would be made good, changes nothing.
    await admin.post("/v1/admin/queues/default/pause", json={})
    assert await status_of(alice, job) == "queued"
    assert (await admin.post("/v1/admin/queues/default/resume")).json()["paused"] is False

    async def over() -> bool:
        return await status_of(alice, job) == "succeeded"

    await until(over)
    assert (await line_of(admin))["paused"] is False


async def test_the_command_line_pauses_and_resumes_too(system: System, alice: httpx.AsyncClient) -> None:
    before = system.workers[0].text().count('"queue_paused"')
    done = await anyio.to_thread.run_sync(tidings, system, "pause", "default")
    assert (done.returncode, "default is paused" in done.stdout) == (0, True)
    await paused_in_log(system, "queue_paused", before + 1)
    job = await submit(alice)
    assert await status_of(alice, job) == "queued"
    done = await anyio.to_thread.run_sync(tidings, system, "resume", "default")
    assert done.returncode == 0

    async def over() -> bool:
        return await status_of(alice, job) == "succeeded"

    await until(over)
    done = await anyio.to_thread.run_sync(tidings, system, "pause", "no-such-queue")
    assert (done.returncode, "known: default" in done.stderr) == (1, True)


async def test_what_operators_do_and_are_refused_stands_in_the_audit_log(
    system: System, admin: httpx.AsyncClient, alice: httpx.AsyncClient
) -> None:
    await admin.post("/v1/admin/dead/drop", json={"filter": {"kind": NASTY}})
    await admin.post("/v1/admin/breakers/none", json={"state": "open"})
    mallory = bearer(token("mallory <b>"))
    refused = await alice.post("/v1/admin/queues/default/pause", headers=mallory)
    assert refused.status_code == 403
    nobody = await alice.post("/v1/admin/queues/default/pause", headers=bearer("x.y.z"))
    assert nobody.status_code == 401
    lines = (await admin.get("/v1/admin/audit", params={"limit": 3})).json()
    found = [(line["who"], line["action"], line["target"], line["outcome"]) for line in lines["entries"]]
    assert found == [
        ("mallory <b>", "pause", "default", "forbidden"),
        ("root", "breaker", "none", "unknown_name"),
        ("root", "drop", "", "done"),
    ]
    assert "<script>" in lines["entries"][2]["detail"]
    assert {line["address"] for line in lines["entries"]} == {"127.0.0.1"}
    await admin.get("/v1/admin/overview")  # who only looks leaves nothing
    second = (await admin.get("/v1/admin/audit", params={"limit": 1, "cursor": lines["cursor"]})).json()
    assert second["entries"] == [] or second["entries"][0]["at"] <= lines["entries"][2]["at"]
    newest = (await admin.get("/v1/admin/audit", params={"limit": 1})).json()["entries"][0]
    assert newest == lines["entries"][0]


async def test_objectives_are_kept_and_measured(admin: httpx.AsyncClient, alice: httpx.AsyncClient) -> None:
    slow = ("count", {"chunks": 1, "pause": 0.02})
    for kind, value in (("reject", {}), slow, slow, slow):
        await alice.post("/v1/jobs", json={"kind": kind, "input": value})
    wanted = {"count": {"total_p99": 0.005, "success": 0.9}, "reject": {"success": 0.5}}
    answer = await admin.put("/v1/admin/objectives", json=wanted)
    assert answer.status_code == 200, answer.text
    told = {one["kind"]: one for one in (await admin.get("/v1/admin/objectives")).json()["objectives"]}
    assert (told["count"]["count"], told["count"]["failed"], told["count"]["rate"]) == (3, 0, 1.0)
    assert (told["count"]["budget"], told["count"]["slow"]) == (1.0, 3)
    # All failed where half may: twice what is allowed.
    assert (told["reject"]["rate"], told["reject"]["budget"]) == (0.0, -1.0)
    assert (await admin.put("/v1/admin/objectives", json={})).json() == {"objectives": []}


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"steps": {"success": 1}}, 400, "/steps/success"),
        ({"steps": {"p99": 1}}, 400, "/steps"),
        ({"no_such_kind": {}}, 404, "/no_such_kind"),
    ],
)
async def test_an_objective_that_is_none_is_refused_with_the_field(
    admin: httpx.AsyncClient, body: dict[str, Any], status: int, field: str
) -> None:
    answer = await admin.put("/v1/admin/objectives", json=body)
    assert answer.status_code == status
    assert answer.json()["field"].startswith(field), answer.text
