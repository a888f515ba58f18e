"""The overview: true, told each second to those who observe, and to nobody else."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import anyio
import httpx
import jsonschema_rs

import tidings
from support.credential import bearer, token
from support.peer import Peer, peer
from support.system import System
from support.timeouts import scaled
from tidings_server.openapi.specification import asyncapi


def observer(system: System) -> AbstractAsyncContextManager[Peer]:
    return peer(system.server.socket_url, additional_headers=bearer(token("root", "admin")))


async def overview(client: Peer) -> dict[str, Any]:
    """Return the next overview."""
    while (frame := await client.receive())["type"] != "overview":
        pass
    return frame


async def test_it_tells_what_runs_where_and_each_second_again(
    system: System, alice: httpx.AsyncClient, tmp_path: Path
) -> None:
    alice.headers.pop("prefer")
    submitted = await alice.post("/v1/jobs", json={"kind": "wait_for_file", "input": {"path": str(tmp_path / "go")}})
    assert submitted.status_code == 202
    async with observer(system) as root:
        assert (await root.ask("observe"))["type"] == "done"
        with anyio.fail_after(scaled(30)):
            while (await running(root)) != 1:
                pass
            while not (told := (await overview(root))["workers"][0]["running"]):
                pass
            assert [(one["token"], one["kind"]) for one in told] == [(submitted.json()["token"], "wait_for_file")]
            (tmp_path / "go").touch()
            while (await running(root)) != 0:
                pass
        told = await overview(root)
        (worker,) = told["workers"]
        assert (worker["version"], worker["slots"] > 0) == (tidings.__version__, True)
        assert worker["pid"] == system.workers[0].process.pid
        assert "default" in worker["queues"]
        assert worker["memory"] > 1_000_000
        assert worker["cpu"] >= 0
        assert 0 <= worker["seen"] < 60
        assert {"kind": "noop", "queue": "default", "tiers": ["standard"]} in told["kinds"]
        assert told["connections"]["sockets"] == 1
        assert told["store"]["memory"] > 0
        document = asyncapi()
        schema = {**document["components"]["schemas"]["Overview"], "components": document["components"]}
        jsonschema_rs.validate(schema, told)


async def running(client: Peer) -> int:
    (line,) = [one for one in (await overview(client))["queues"] if one["queue"] == "default"]
    assert line["served"] is True
    count: int = line["running"]
    return count


async def test_who_has_left_off_observing_is_told_no_more(system: System) -> None:
    async with observer(system) as root, observer(system) as other:
        await root.ask("observe")
        await other.ask("observe")
        await overview(root)
        await root.ask("unobserve")
        # The other is told of two more, and between them and this pong nothing came here.
        await overview(other)
        await overview(other)
        ref = await root.send("ping")
        frame = await root.receive()
        assert (frame["type"], frame.get("ref")) == ("pong", ref)


async def test_it_is_had_once_over_http_too(admin: httpx.AsyncClient) -> None:
    told = (await admin.get("/v1/admin/overview")).json()
    assert [one["queue"] for one in told["queues"]] == ["default"]
    assert "type" not in told


async def test_the_connections_are_listed_with_who_they_are_of(system: System, admin: httpx.AsyncClient) -> None:
    async with observer(system):
        listed = (await admin.get("/v1/admin/connections")).json()
        (one,) = listed["connections"]
        assert (one["caller"], one["kind"], one["address"], one["slow"]) == ("root", "socket", "127.0.0.1", False)
        assert listed["server"]
