"""Through nginx and HAProxy: everything arrives while the job still runs, and quiet connections live on.

A job here ends only when the test has seen an event of it, so a proxy that held events back would hold the test too.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from proxies.conftest import TIMEOUT_S, World
from support.peer import peer
from support.timeouts import scaled
from tidings.protocol.frames import close_codes


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=world.front.url, timeout=scaled(20)) as http:
        yield http


async def submit(http: httpx.AsyncClient, path: Path) -> str:
    answer = await http.post("/v1/jobs", json={"kind": "wait_for_file", "input": {"path": str(path)}})
    assert answer.status_code == 202
    token: str = answer.json()["token"]
    return token


async def test_a_socket_s_events_arrive_while_the_job_runs(world: World, tmp_path: Path) -> None:
    async with peer(world.front.socket_url) as client:
        ack = await client.submit("wait_for_file", {"path": str(tmp_path / "go")})
        await client.until(ack["token"], "log")
        (tmp_path / "go").touch()
        assert (await client.until(ack["token"]))[-1]["data"] == {"result": "found"}
        assert client.early == []


async def test_a_stream_s_events_arrive_while_the_job_runs(http: httpx.AsyncClient, tmp_path: Path) -> None:
    token = await submit(http, tmp_path / "go")
    with anyio.fail_after(scaled(20)):
        async with http.stream("GET", f"/v1/jobs/{token}/events") as answer:
            lines = answer.aiter_lines()
            async for line in lines:
                if line == "event: log":
                    (tmp_path / "go").touch()
                if line == "event: succeeded":
                    break
            assert json.loads((await anext(lines)).removeprefix("data: "))["data"] == {"result": "found"}


async def test_a_long_poll_is_answered_when_something_happens(http: httpx.AsyncClient, tmp_path: Path) -> None:
    token = await submit(http, tmp_path / "go")
    snapshot: dict[str, Any] = {"seq": 0, "status": "queued", "log": []}
    while snapshot["status"] != "succeeded":
        headers = {"prefer": "wait=1", "if-none-match": f'"{snapshot["seq"]}"'}
        answer = await http.get(f"/v1/jobs/{token}", headers=headers)
        if answer.status_code == 200:
            snapshot = answer.json()
        if snapshot["log"]:
            (tmp_path / "go").touch()
    assert snapshot["result"] == "found"


async def test_quiet_connections_outlive_the_proxy_s_time_limit(
    world: World, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    token = await submit(http, tmp_path / "go")
    async with peer(world.front.socket_url) as client:
        assert (await client.ask("watch", token=token))["type"] == "snapshot"
        beats = 0
        async with http.stream("GET", f"/v1/jobs/{token}/events") as answer:
            async for line in answer.aiter_lines():
                beats += line.startswith(":")
                if beats == 6 * TIMEOUT_S:  # two a second: three times the limit has passed
                    (tmp_path / "go").touch()
        assert line == ""
        assert beats >= 6 * TIMEOUT_S
        assert (await client.until(token))[-1]["event"] == "succeeded"


async def test_a_page_of_the_proxy_s_own_address_may_open_a_socket_and_another_s_may_not(world: World) -> None:
    async with peer(world.front.socket_url, origin=world.front.url) as client:
        assert client.hello["type"] == "hello"
    with pytest.raises(ConnectionClosed) as refused:
        async with peer(world.front.socket_url, origin="https://elsewhere.example"):
            pass
    assert refused.value.rcvd is not None
    assert refused.value.rcvd.code == close_codes.FORBIDDEN


async def test_a_caller_is_the_address_before_the_proxy_whatever_it_says_itself(world: World) -> None:
    job = {"kind": "noop", "input": {}, "delay": 3600}

    async def statuses(address: str, count: int, **headers: str) -> list[int]:
        transport = httpx.AsyncHTTPTransport(local_address=address)
        async with httpx.AsyncClient(base_url=world.front.url, transport=transport, headers=headers) as http:
            return [(await http.post("/v1/jobs", json=job)).status_code for _ in range(count)]

    assert await statuses("127.0.0.2", 21) == [202] * 20 + [429]
    assert await statuses("127.0.0.2", 1, **{"x-forwarded-for": "192.0.2.1"}) == [429]
    assert await statuses("127.0.0.3", 1) == [202]


async def test_a_server_under_a_path_of_the_proxy_says_where_its_jobs_are(world: World) -> None:
    server = world.system.add_server(TIDINGS_ROOT_PATH="/tidings/")
    async with httpx.AsyncClient(base_url=server.url) as http:
        answer = await http.post("/v1/jobs", json={"kind": "noop", "input": {}})
    assert answer.headers["location"] == f"/tidings/v1/jobs/{answer.json()['token']}"


async def test_what_is_too_large_is_refused_by_the_server_and_not_by_the_proxy(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/jobs", json={"kind": "echo", "input": {"text": "x" * 1_100_000}})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    batch = b"[" + b" " * 16_777_216 + b"]"
    answer = await http.post("/v1/jobs/batch", content=batch, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["limit"]) == (413, 16_777_216)


async def test_a_batch_as_large_as_a_server_takes_passes_the_proxy(http: httpx.AsyncClient) -> None:
    one = json.dumps({"kind": "echo", "input": {"text": "x"}}).encode()
    content = b"[" + one + b" " * (16_777_216 - len(one) - 2) + b"]"
    answer = await http.post("/v1/jobs/batch", content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, [ack["status"] for ack in answer.json()]) == (202, ["queued"])
