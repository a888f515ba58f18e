"""Server-sent events: live, resumed, several jobs in one stream."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from support.system import System


class Sse(NamedTuple):
    name: str
    id: str
    data: Any


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=15) as http:
        yield http


async def submit(http: httpx.AsyncClient, kind: str, input: Any = None) -> str:
    answer = await http.post("/v1/jobs", json={"kind": kind, "input": input or {}})
    token: str = answer.json()["token"]
    return token


@asynccontextmanager
async def stream(http: httpx.AsyncClient, path: str, **headers: str) -> AsyncIterator[AsyncIterator[Sse]]:
    async with http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "no-transform" in answer.headers["cache-control"]
        assert answer.headers["x-accel-buffering"] == "no"
        yield events(answer.aiter_lines())


async def events(lines: AsyncIterator[str]) -> AsyncIterator[Sse]:
    """Parse as the HTML standard says, section 9.2.6."""
    fields: dict[str, str] = {}
    async for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            yield Sse(fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"]))
        fields = {}


async def test_a_stream_shows_the_job_to_its_end_and_then_ends(http: httpx.AsyncClient, tmp_path: Path) -> None:
    path = tmp_path / "go"
    token = await submit(http, "wait_for_file", {"path": str(path)})
    seen: list[Sse] = []
    async with stream(http, f"/v1/jobs/{token}/events") as found:
        async for event in found:
            seen.append(event)
            if event.name == "log":
                path.touch()
    assert seen[-1].name == "succeeded"
    assert seen[-1].data["data"] == {"result": "found"}
    assert "snapshot" in [event.name for event in seen]
    numbers = [int(event.id) for event in seen if event.id]
    assert numbers == sorted(set(numbers))
    assert [event.data["data"] for event in seen if event.name == "log"] == ["waiting"]


async def test_a_stream_resumes_after_the_last_event_id_without_loss_or_repetition(
    http: httpx.AsyncClient,
) -> None:
    token = await submit(http, "count", {"chunks": 200, "pause": 0.001})
    chunks: list[int] = []
    last = "0"
    ended = False
    while not ended:
        async with stream(http, f"/v1/jobs/{token}/events", **{"last-event-id": last}) as found:
            taken = 0
            async for event in found:
                last = event.id or last
                if event.name == "log":
                    chunks.append(event.data["data"])
                    taken += 1
                ended = event.name == "succeeded"
                if taken == 37:
                    break
    assert chunks == list(range(200))


async def test_who_has_the_end_is_told_to_stop_asking(http: httpx.AsyncClient) -> None:
    token = await submit(http, "noop")
    async with stream(http, f"/v1/jobs/{token}/events") as found:
        *_, last = [event async for event in found]
    assert last.name == "succeeded"
    answer = await http.get(f"/v1/jobs/{token}/events", headers={"last-event-id": last.id})
    assert answer.status_code == 204
    async with stream(http, f"/v1/jobs/{token}/events?after=1") as found:
        assert [event.name async for event in found] == ["snapshot", "succeeded"]


async def test_several_jobs_share_one_stream(http: httpx.AsyncClient) -> None:
    tokens = [await submit(http, "steps", {"count": 2}) for _ in range(3)]
    query = "&".join(f"token={token}" for token in tokens)
    ends: dict[str, Any] = {}
    async with stream(http, f"/v1/events?{query}") as found:
        async for event in found:
            if event.name == "succeeded":
                ends[event.data["token"]] = event.data["data"]["result"]
    assert ends == dict.fromkeys(tokens, 2)


@pytest.mark.parametrize("query", ["", "token=x", "&".join(["token=x"] * 101)])
async def test_a_stream_of_no_or_unknown_jobs_is_refused(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(f"/v1/events?{query}")
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] in ("invalid_frame", "unknown_token")


async def test_a_number_that_is_none_is_refused(http: httpx.AsyncClient) -> None:
    token = await submit(http, "noop")
    answer = await http.get(f"/v1/jobs/{token}/events?after=x")
    assert (answer.status_code, answer.json()["field"]) == (400, "/after")
