"""One stream of a job over HTTP: as JSON lines, as text, from a chunk on, held until there is more, as events."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.stream_kinds import WORDS
from support.system import System, system_fixture
from support.timeouts import scaled

KINDS = str(Path(__file__).parents[1] / "support" / "stream_kinds.py")

system = system_fixture(KINDS, servers=2)


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http


async def done(http: httpx.AsyncClient, kind: str, **input: Any) -> str:
    """Submit a job, and return its token when it has ended."""
    answer = await http.post("/v1/jobs", json={"kind": kind, "input": input}, headers={"prefer": "wait=30"})
    token: str = answer.json()["token"]
    return token


async def begun(http: httpx.AsyncClient, go: Path) -> str:
    """Submit a job that waits in the middle of its stream, and return its token when it has come so far."""
    answer = await http.post("/v1/jobs", json={"kind": "waits_between", "input": {"path": str(go)}})
    token: str = answer.json()["token"]
    found = 0
    while found < 3:
        part = await http.get(f"/v1/jobs/{token}/streams/main", headers={"prefer": "wait=10"}, params={"from": found})
        found = int(part.headers["tidings-next"])
    return token


def lines(answer: httpx.Response) -> list[Any]:
    """Return the chunks of an answer of JSON lines."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_stream_is_read_whole_or_from_a_chunk_on(http: httpx.AsyncClient) -> None:
    path = f"/v1/jobs/{await done(http, 'words')}/streams/main"
    whole = await http.get(path)
    assert lines(whole) == list(WORDS)
    found = {name: value for name, value in whole.headers.items() if name.startswith("tidings-")}
    seq = found.pop("tidings-seq")
    assert found == {"tidings-status": "succeeded", "tidings-attempt": "1", "tidings-from": "0", "tidings-next": "6"}
    assert lines(await http.get(path, params={"from": 4})) == list(WORDS[4:])
    assert lines(await http.get(path, params={"from": 6})) == []
    assert lines(await http.get(path, params={"after": 0})) == list(WORDS)
    assert lines(await http.get(path, params={"after": seq})) == []


async def test_a_stream_of_text_is_read_as_text(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/v1/jobs/{await done(http, 'words')}/streams/main", headers={"accept": "text/plain"})
    assert (answer.text, answer.headers["content-type"]) == ("".join(WORDS), "text/plain; charset=utf-8")
    numbers = await http.get(
        f"/v1/jobs/{await done(http, 'numbers', count=2)}/streams/main", headers={"accept": "text/plain"}
    )
    assert (numbers.status_code, numbers.json()["field"]) == (400, "/accept")
    assert "read it as JSON lines" in numbers.json()["detail"]


async def test_an_answer_is_held_until_there_is_more(http: httpx.AsyncClient, system: System, tmp_path: Path) -> None:
    go = tmp_path / "go"
    token = await begun(http, go)
    path = f"{system.servers[1].url}/v1/jobs/{token}/streams/main"
    now = await http.get(path, params={"from": 3})
    assert (lines(now), now.headers["tidings-status"]) == ([], "running")
    briefly = await http.get(path, params={"from": 3}, headers={"prefer": "wait=1"})
    assert (lines(briefly), briefly.headers["preference-applied"]) == ([], "wait=1")
    found: list[Any] = []
    async with anyio.create_task_group() as tasks:

        async def follow() -> None:
            after = now.headers["tidings-seq"]
            while True:
                part = await http.get(path, params={"after": after}, headers={"prefer": "wait=30"})
                assert int(part.headers["tidings-from"]) == 3 + len(found)
                found.extend(lines(part))
                after = part.headers["tidings-seq"]
                if part.headers["tidings-status"] == "succeeded" and not part.text:
                    return

        tasks.start_soon(follow)
        go.touch()
    assert found == list(WORDS[3:])


async def test_a_stream_is_followed_as_events_from_a_chunk_on_to_the_end(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    path = f"/v1/jobs/{await begun(http, go)}/streams/main"
    chunks: list[Any] = []
    seen: list[tuple[str, str]] = []
    async with http.stream("GET", path, params={"from": 1}, headers={"accept": "text/event-stream"}) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif not line and "data" in fields:
                data = json.loads(fields["data"])
                seen.append((fields["event"], fields.get("id", "")))
                match fields["event"]:
                    case "snapshot":
                        assert (data["stream"], data["from"], data["attempt"]) == ("main", 1, 1)
                        chunks += data["chunks"]
                        go.touch()
                    case "chunk":
                        assert data["data"]["index"] == 1 + len(chunks)
                        chunks.append(data["data"]["data"])
                    case "chunks":
                        chunks += data["data"]["data"]
                fields = {}
    assert chunks == list(WORDS[1:])
    assert (seen[0][0], seen[-1][0]) == ("snapshot", "succeeded")
    last = await http.get(path, headers={"accept": "text/event-stream", "last-event-id": seen[-1][1]})
    assert last.status_code == 204
    resumed = await http.get(path, headers={"accept": "text/event-stream", "last-event-id": seen[0][1]})
    assert f'"from":3,"chunks":{json.dumps(list(WORDS[3:]), separators=(",", ":"))}' in resumed.text


@pytest.mark.parametrize(
    ("path", "query", "field", "says"),
    [
        ("main", {"from": "7"}, "/from", "has 6 chunks: `from` is 0 to 6"),
        ("main", {"from": "-1"}, "/from", "the index of a chunk"),
        ("main", {"after": "x"}, "/after", "the number of an event"),
        ("main", {"from": "1", "after": "2"}, "/from", "give `from`, an index, or `after`"),
        ("main", {"form": "1"}, "/form", "from"),
        ("a/b", {}, "/name", "1 to 64 letters"),
    ],
)
async def test_a_question_that_makes_no_sense_gets_one_clear_error(
    http: httpx.AsyncClient, path: str, query: dict[str, str], field: str, says: str
) -> None:
    token = await done(http, "words")
    for accept in ("*/*", "text/event-stream"):
        answer = await http.get(f"/v1/jobs/{token}/streams/{path}", params=query, headers={"accept": accept})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_frame", field)
        assert says in answer.json()["detail"]


async def test_a_job_that_has_ended_has_no_stream_that_it_has_not_written(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/v1/jobs/{await done(http, 'words')}/streams/other")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_name")
    assert "has written no stream other" in answer.json()["detail"]


async def test_an_operator_who_has_seen_a_job_gets_what_is_new_in_its_streams(http: httpx.AsyncClient) -> None:
    path = f"/v1/admin/jobs/{await done(http, 'words')}"
    whole = (await http.get(path)).json()
    assert whole["streams"]["main"] == {"attempt": 1, "from": 0, "chunks": list(WORDS)}
    news = (await http.get(path, params={"after": whole["seq"]})).json()
    assert news["streams"]["main"] == {"attempt": 1, "from": 6, "chunks": []}
    assert {**news, "streams": {}} == {**whole, "streams": {}}
    refused = await http.get(path, params={"after": "x"})
    assert (refused.status_code, refused.json()["field"]) == (400, "/after")


async def test_a_job_that_is_not_known_has_no_streams(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/jobs/default.AAAAAAAAAAAAAAAAAAAAAA/streams/main")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_token")


async def test_a_long_stream_comes_whole(http: httpx.AsyncClient) -> None:
    token = await done(http, "fast", count=60_000)
    answer = await http.get(f"/v1/jobs/{token}/streams/main", headers={"accept": "text/plain"})
    assert answer.text == "0123456789" * 60_000
