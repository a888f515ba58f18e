"""The same trip over HTTP: submit, look, long-poll, cancel."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from support.system import System
from support.timeouts import scaled


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http


async def submit(http: httpx.AsyncClient, kind: str, input: Any = None, **headers: str) -> httpx.Response:
    return await http.post("/v1/jobs", json={"kind": kind, "input": input or {}}, headers=headers)


async def test_a_submit_is_acked_with_202_and_a_place_to_look(http: httpx.AsyncClient) -> None:
    answer = await submit(http, "echo", {"text": "a"})
    assert answer.status_code == 202
    ack = answer.json()
    assert set(ack) == {"type", "token", "status", "seq", "duplicate", "position", "eta", "degraded"}
    assert answer.headers["location"] == f"/v1/jobs/{ack['token']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["cache-control"] == "no-store"


async def test_prefer_wait_answers_with_the_outcome(http: httpx.AsyncClient) -> None:
    answer = await submit(http, "echo", {"text": "a"}, prefer="wait=10")
    assert answer.status_code == 200
    snapshot = answer.json()
    assert (snapshot["status"], snapshot["result"]) == ("succeeded", "a")
    assert answer.headers["etag"] == f'"{snapshot["seq"]}"'
    assert answer.headers["preference-applied"] == "wait=10"


async def test_prefer_wait_does_not_wait_longer_than_the_job_takes(http: httpx.AsyncClient, tmp_path: Path) -> None:
    """The answer must come by the event: the wait is longer than the test may take."""
    path = tmp_path / "go"
    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(scaled(20)):
            for key in ("wait-a", "wait-b", "wait-b"):
                tasks.start_soon(anyio.Path(path).touch)
                headers = {"prefer": "wait=60", "idempotency-key": key}
                answer = await submit(http, "wait_for_file", {"path": str(path)}, **headers)
                assert answer.json()["result"] == "found"


async def test_prefer_wait_answers_202_when_the_time_is_over(http: httpx.AsyncClient, tmp_path: Path) -> None:
    answer = await submit(http, "wait_for_file", {"path": str(tmp_path / "go")}, prefer="respond-async, wait=1")
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async, wait=1"
    assert (await http.delete(answer.headers["location"])).status_code == 202


async def test_a_long_poll_answers_when_there_is_news_and_304_when_not(http: httpx.AsyncClient, tmp_path: Path) -> None:
    path = tmp_path / "go"
    place = (await submit(http, "wait_for_file", {"path": str(path)})).headers["location"]
    etag = '"0"'
    snapshot: dict[str, Any] = {"log": []}
    while not snapshot["log"]:
        answer = await http.get(place, headers={"prefer": "wait=10", "if-none-match": etag})
        assert answer.status_code == 200
        etag, snapshot = answer.headers["etag"], answer.json()
    assert snapshot["progress"]["message"] == "waiting"
    answer = await http.get(place, headers={"if-none-match": etag})
    assert answer.status_code == 304
    assert "preference-applied" not in answer.headers
    answer = await http.get(place, headers={"prefer": "wait=1", "if-none-match": etag})
    assert answer.status_code == 304
    assert answer.headers["preference-applied"] == "wait=1"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.Path(path).touch)
        answer = await http.get(place, headers={"prefer": "wait=10", "if-none-match": etag})
    assert answer.json()["result"] == "found"
    assert answer.headers["preference-applied"] == "wait=10"
    again = await http.get(place, headers={"prefer": "wait=10", "if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_a_look_after_a_number_tells_the_log_from_there(http: httpx.AsyncClient, tmp_path: Path) -> None:
    path = tmp_path / "go"
    path.touch()
    snapshot = (await submit(http, "wait_for_file", {"path": str(path)}, prefer="wait=10")).json()
    place, seq = f"/v1/jobs/{snapshot['token']}", snapshot["log"][0]["seq"]
    for headers in ({}, {"prefer": "wait=10", "if-none-match": '"1"'}):
        before = await http.get(place, params={"after": seq - 1}, headers=headers)
        assert [chunk["data"] for chunk in before.json()["log"]] == ["waiting"]
        assert (await http.get(place, params={"after": seq}, headers=headers)).json()["log"] == []
    answer = await http.get(place, params={"after": "x"})
    assert (answer.status_code, answer.json()["field"]) == (400, "/after")


async def test_the_same_idempotency_key_gives_the_same_job_concurrently_too(http: httpx.AsyncClient) -> None:
    answers: list[httpx.Response] = []

    async def one() -> None:
        answers.append(await submit(http, "echo", {"text": "x"}, **{"idempotency-key": "same"}))

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(one)
    assert len({answer.json()["token"] for answer in answers}) == 1
    assert [answer.json()["duplicate"] for answer in answers].count(False) == 1
    waited = await submit(http, "echo", {"text": "x"}, **{"idempotency-key": "same", "prefer": "wait=10"})
    assert waited.json()["result"] == "x"
    reused = await submit(http, "echo", {"text": "y"}, **{"idempotency-key": "same"})
    assert reused.status_code == 422
    assert reused.json()["code"] == "key_reused"


async def test_an_answer_names_the_preferences_that_it_follows(http: httpx.AsyncClient) -> None:
    for prefer, applied in (
        ("respond-async", "respond-async"),
        ("wait=0", "wait=0"),
        ("return=minimal", None),
        (None, None),
    ):
        answer = await submit(http, "noop", **({"prefer": prefer} if prefer else {}))
        assert (answer.status_code, answer.headers.get("preference-applied")) == (202, applied)
    answer = await submit(http, "noop", prefer="wait=9999")
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=60")
    # Without an ETag that it has seen, a client that looks is answered at once.
    answer = await http.get(f"/v1/jobs/{answer.json()['token']}", headers={"prefer": "wait=10"})
    assert (answer.status_code, answer.headers.get("preference-applied")) == (200, None)


async def test_an_idempotency_key_in_quotes_is_the_same_key(http: httpx.AsyncClient) -> None:
    keys = ("quoted", '"quoted"', '"quoted"; attempt=2')
    first, *others = [await submit(http, "noop", **{"idempotency-key": key}) for key in keys]
    assert [first.json()["duplicate"], *(answer.json()["duplicate"] for answer in others)] == [False, True, True]
    assert {answer.json()["token"] for answer in others} == {first.json()["token"]}
    in_body = await http.post("/v1/jobs", json={"kind": "noop", "input": {}, "key": "quoted"})
    assert in_body.json()["token"] == first.json()["token"]
    empty = await submit(http, "noop", **{"idempotency-key": '""'})
    assert (empty.status_code, empty.json()["field"]) == (400, "/key")


async def test_starting_after_is_another_name_of_after(http: httpx.AsyncClient, tmp_path: Path) -> None:
    path = tmp_path / "go"
    path.touch()
    snapshot = (await submit(http, "wait_for_file", {"path": str(path)}, prefer="wait=10")).json()
    token, place, seq = snapshot["token"], f"/v1/jobs/{snapshot['token']}", snapshot["log"][0]["seq"]
    assert (await http.get(place, params={"starting_after": seq})).json()["log"] == []
    assert (await http.get(f"{place}/events", params={"starting_after": snapshot["seq"]})).status_code == 204
    for name in ("after", "starting_after"):
        streams = await http.get(f"{place}/events", params={name: seq})
        assert [line for line in streams.text.splitlines() if line.startswith("id:")] == [f"id: {snapshot['seq']}"]
    several = await http.get(f"/v1/events?token={token}&starting_after={snapshot['seq']}")
    assert several.status_code == 204
    both = await http.get(place, params={"after": 1, "starting_after": 1})
    assert (both.status_code, both.json()["field"]) == (400, "/starting_after")
    elsewhere = await http.get("/v1/kinds", params={"starting_after": 1})
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (400, "invalid_frame")


async def test_a_finished_job_cannot_be_cancelled(http: httpx.AsyncClient) -> None:
    token = (await submit(http, "noop", prefer="wait=10")).json()["token"]
    answer = await http.delete(f"/v1/jobs/{token}")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_finished")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        (b"{", 400, "invalid_frame", None),
        (b"\xff", 400, "invalid_frame", None),
        (b"[]", 400, "invalid_frame", None),
        (b"[" * 1000, 400, "invalid_frame", None),
        (b'{"kind":"echo"}', 400, "invalid_frame", "/input"),
        (b'{"kind":"echo","input":{"text":1}}', 422, "invalid_input", "/input/text"),
        (b'{"kind":"nope","input":{}}', 404, "unknown_kind", "/kind"),
        (b'{"kind":"noop","input":{},"key":"a b"}', 400, "invalid_frame", "/key"),
        (b'{"kind":"noop","input":{},"tier":"heavy"}', 400, "invalid_frame", "/tier"),
        (b'{"kind":"noop","input":{},"webhook":{"url":"x"}}', 400, "invalid_frame", "/webhook/url"),
        (b'{"kind":"noop","input":{},"priority":101}', 400, "invalid_frame", "/priority"),
        (b"x" * 1_100_000, 413, "too_large", None),
    ],
)
async def test_a_bad_body_gets_a_problem(
    http: httpx.AsyncClient, body: bytes, status: int, code: str, field: str | None
) -> None:
    answer = await http.post("/v1/jobs", content=body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert problem["status"] == status
    assert problem["type"] == f"urn:tidings:problem:{code}"


@pytest.mark.parametrize("token", ["nonsense", "default." + "a" * 22])
async def test_an_unknown_token_is_unknown(http: httpx.AsyncClient, token: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events")):
        answer = await http.request(method, f"/v1/jobs/{token}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_token")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("PUT", "/v1/jobs", 405), ("DELETE", "/v1/jobs", 405)],
)
async def test_other_paths_and_methods_get_problems_too(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_kinds_are_listed_with_their_schemas(http: httpx.AsyncClient) -> None:
    kinds = {kind["kind"]: kind for kind in (await http.get("/v1/kinds")).json()["kinds"]}
    echo = kinds["echo"]
    assert (echo["queue"], echo["tier"], echo["version"]) == ("default", "standard", 1)
    assert echo["description"] == "Returns a text, repeated."
    assert echo["input"]["$defs"]["echo"]["required"] == ["text"]
    assert echo["result"] == {"type": "string"}


async def test_health_and_readiness(http: httpx.AsyncClient) -> None:
    assert (await http.get("/healthz")).status_code == 200
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


async def test_the_page_comes_with_its_files_and_nothing_beside_them(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    assert page.status_code == 200
    script = await http.get("/static/tidings.js")
    assert script.status_code == 200
    assert "javascript" in script.headers["content-type"]
    assert (await http.get("/static/../pyproject.toml")).status_code == 404
    assert (await http.get("/static/%2e%2e/pyproject.toml")).status_code == 404
