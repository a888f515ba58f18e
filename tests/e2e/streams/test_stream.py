"""Server-sent events: live, resumed, several jobs in one stream."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from support.system import System
from support.timeouts import scaled
from tidings.protocol.tokens import split_token


class Sse(NamedTuple):
    name: str
    id: str
    data: Any


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http


async def submit(http: httpx.AsyncClient, kind: str, input: Any = None) -> str:
    answer = await http.post("/v1/jobs", json={"kind": kind, "input": input or {}})
    token: str = answer.json()["token"]
    return token


@asynccontextmanager
async def stream(http: httpx.AsyncClient, path: str, **headers: str) -> AsyncIterator[AsyncIterator[Sse]]:
    async with http.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store, no-transform"
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


async def take(http: httpx.AsyncClient, path: str, most: int, **headers: str) -> list[Sse]:
    """Return the first events of a stream, at most so many, and break it off."""
    taken: list[Sse] = []
    async with stream(http, path, **headers) as found:
        async for event in found:
            taken.append(event)
            if len(taken) == most:
                break
    return taken


def logged(seen: list[Sse], token: str) -> list[int]:
    return [event.data["data"] for event in seen if event.name == "log" and event.data["token"] == token]


async def test_each_job_of_a_stream_resumes_where_it_was(http: httpx.AsyncClient) -> None:
    tokens = [await submit(http, "count", {"chunks": 60, "pause": 0.001}) for _ in range(3)]
    after = dict.fromkeys(tokens, 0)
    seen: list[Sse] = []
    while {event.data["token"] for event in seen if event.name == "succeeded"} != set(tokens):
        query = "&".join(f"token={token}&after={seq}" for token, seq in after.items())
        for event in await take(http, f"/v1/events?{query}", 37):
            seen.append(event)
            if event.name != "snapshot":
                after[event.data["token"]] = event.data["seq"]
    assert [logged(seen, token) for token in tokens] == [list(range(60))] * 3
    query = "&".join(f"token={token}&after={seq}" for token, seq in after.items())
    assert (await http.get(f"/v1/events?{query}")).status_code == 204


async def test_the_last_id_of_a_stream_of_several_jobs_resumes_all_of_them(http: httpx.AsyncClient) -> None:
    tokens = [await submit(http, "count", {"chunks": 60, "pause": 0.001}) for _ in range(3)]
    path = "/v1/events?" + "&".join(f"token={token}" for token in tokens)
    seen: list[Sse] = []
    last = ""
    while {event.data["token"] for event in seen if event.name == "succeeded"} != set(tokens):
        seen += await take(http, path, 37, **({"last-event-id": last} if last else {}))
        last = [event.id for event in seen if event.id][-1]
    assert [logged(seen, token) for token in tokens] == [list(range(60))] * 3
    assert (await http.get(path, headers={"last-event-id": last})).status_code == 204


async def test_a_job_whose_end_a_client_has_is_not_told_again_beside_one_that_goes_on(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    done = await submit(http, "noop")
    (*_, end) = await take(http, f"/v1/jobs/{done}/events", 100)
    running = await submit(http, "wait_for_file", {"path": str(tmp_path / "go")})
    seen: list[Sse] = []
    async with stream(http, f"/v1/events?token={done}&after={end.id}&token={running}&after=0") as found:
        async for event in found:
            seen.append(event)
            (tmp_path / "go").touch()
    assert seen[-1].name == "succeeded"
    assert {event.data["token"] for event in seen} == {running}


async def test_a_job_asked_for_twice_is_told_once_from_the_lower_number(http: httpx.AsyncClient) -> None:
    token = await submit(http, "count", {"chunks": 3})
    seen = await take(http, f"/v1/events?token={token}&after=3&token={token}&after=1", 100)
    assert logged(seen, token) == [0, 1, 2]
    assert seen[-1].id == f"{seen[-1].data['seq']},{seen[-1].data['seq']}"


@pytest.mark.parametrize(
    ("query", "headers", "field"),
    [
        ("token={}&after=1&token={}", {}, "/after"),
        ("token={}&after=1&after=2", {}, "/after"),
        ("token={}&after=1&token={}&after=x", {}, "/after/1"),
        ("token={}&after=-1", {}, "/after/0"),
        ("token={}&after=", {}, "/after/0"),
        ("token={}&after=\u0663", {}, "/after/0"),
        ("token={}&after=9007199254740992", {}, "/after/0"),
        ("token={}&token={}", {"last-event-id": "7"}, "/after"),
        ("token={}&token={}", {"last-event-id": "7,"}, "/after/1"),
    ],
)
async def test_numbers_that_do_not_fit_their_tokens_are_refused_by_name(
    http: httpx.AsyncClient, query: str, headers: dict[str, str], field: str
) -> None:
    token = await submit(http, "noop")
    answer = await http.get("/v1/events?" + query.replace("{}", token), headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_frame", field)


async def test_of_several_tokens_the_unknown_one_is_named(http: httpx.AsyncClient) -> None:
    token = await submit(http, "noop")
    queue = split_token(token).partition
    for stranger in ("x", f"{queue}.{'a' * 22}"):
        answer = await http.get(f"/v1/events?token={token}&token={stranger}")
        assert (answer.status_code, answer.json()["field"]) == (404, "/token/1")


async def test_head_answers_a_stream_at_once(http: httpx.AsyncClient, tmp_path: Path) -> None:
    token = await submit(http, "wait_for_file", {"path": str(tmp_path / "never")})
    for path in (f"/v1/jobs/{token}/events", f"/v1/events?token={token}"):
        answer = await http.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert (await http.head(f"/v1/jobs/{token}")).status_code == 200
    assert (await http.delete(f"/v1/jobs/{token}")).status_code == 202


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/jobs", {"GET", "HEAD", "POST"}),
        ("/v1/jobs/x", {"GET", "HEAD", "DELETE"}),
        ("/v1/jobs/x/events", {"GET", "HEAD"}),
        ("/v1/events", {"GET", "HEAD"}),
    ],
)
async def test_another_method_is_told_which_there_are(http: httpx.AsyncClient, path: str, allowed: set[str]) -> None:
    answer = await http.put(path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["", "token=x", "&".join(["token=x"] * 101)])
async def test_a_stream_of_no_or_unknown_jobs_is_refused(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(f"/v1/events?{query}")
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] in ("invalid_frame", "unknown_token")


async def test_a_number_that_is_none_is_refused(http: httpx.AsyncClient) -> None:
    token = await submit(http, "noop")
    answer = await http.get(f"/v1/jobs/{token}/events?after=x")
    assert (answer.status_code, answer.json()["field"]) == (400, "/after")
