"""Dead letters and single jobs over HTTP, from jobs that died in a real worker."""

from typing import Any

import httpx
import pytest

from support.system import System

NASTY = "<script>alert(1)</script>\r\nSet-Cookie: a=b\n\n\u2028\"'`${x}\\"


WHOLE: dict[str, list[str]] = {"silent_nodes": [], "missing_queues": []}
"""Of an answer that lacks nothing."""


async def die(client: httpx.AsyncClient, kind: str = "raises", **fields: Any) -> str:
    """Have a job fail; return its token."""
    answer = await client.post("/v1/jobs", json={"kind": kind, "input": {}, **fields})
    assert answer.json()["status"] == "failed", answer.text
    found: str = answer.json()["token"]
    return found


async def listed(admin: httpx.AsyncClient, **query: Any) -> list[list[dict[str, Any]]]:
    """Return all pages."""
    pages: list[list[dict[str, Any]]] = []
    while True:
        answer = await admin.get("/v1/admin/dead", params=query)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["letters"])
        query["cursor"] = answer.json()["cursor"]
        if query["cursor"] is None:
            return pages


@pytest.fixture
async def empty(admin: httpx.AsyncClient) -> None:
    """Begin without letters."""
    await admin.post("/v1/admin/dead/drop", json={"filter": {}})


@pytest.mark.usefixtures("empty")
async def test_letters_are_paged_the_newest_first_each_once(alice: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    tokens = [await die(alice) for _ in range(5)]
    pages = await listed(admin, limit=2)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one["token"] for page in pages for one in page] == tokens[::-1]
    (page,) = await listed(admin, kind="no_such_kind")
    assert page == []
    (page,) = await listed(admin, queue="another")
    assert page == []


@pytest.mark.usefixtures("empty")
async def test_what_is_chosen_is_first_only_said_then_done(alice: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    first, second = await die(alice), await die(alice, "reject")
    by_code = {"filter": {"code": "rejected"}}
    would = (await admin.post("/v1/admin/dead/drop", json={**by_code, "dry_run": True})).json()
    assert would == {"done": 1, "dry_run": True, "refused": [], "more": False, **WHOLE}
    assert [one["token"] for one in (await listed(admin))[0]] == [second, first]
    dropped = (await admin.post("/v1/admin/dead/drop", json=by_code)).json()
    assert (dropped["done"], dropped["dry_run"]) == (1, False)
    again = (await admin.post("/v1/admin/dead/replay", json={"tokens": [first, second]})).json()
    assert again["done"] == 1
    assert again["refused"] == [{"token": second, "why": "gone"}]
    replayed = await alice.get(f"/v1/jobs/{first}")
    assert int(replayed.headers["etag"].strip('"')) > 3  # it has gone on


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "/tokens"),
        ({"tokens": ["x"], "filter": {}}, "/tokens"),
        ({"tokens": []}, "/tokens"),
        ({"tokens": ["not-a-token"]}, "/tokens/0"),
        ({"filter": {"qeue": "default"}}, "/filter/qeue"),
        ({"filter": {"older_than": -1}}, "/filter/older_than"),
        ({"filter": {"queue": "Not A Queue"}}, "/queue"),
    ],
)
async def test_a_choice_that_is_none_is_refused_with_the_field(
    admin: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await admin.post("/v1/admin/dead/replay", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["field"] == field, answer.text


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "501"}, {"cursor": "1-2"}, {"kind": "k" * 257}])
async def test_a_query_out_of_bounds_is_refused_with_the_field(admin: httpx.AsyncClient, query: dict[str, str]) -> None:
    answer = await admin.get("/v1/admin/dead", params=query)
    assert answer.status_code == 400
    assert answer.json()["field"] == f"/{next(iter(query))}"


async def test_a_job_that_died_is_shown_with_input_traceback_and_history(
    alice: httpx.AsyncClient, admin: httpx.AsyncClient, system: System
) -> None:
    token = await die(alice, correlation_id="order 7 <b>")
    shown = (await admin.get(f"/v1/admin/jobs/{token}")).json()
    assert (shown["status"], shown["queue"], shown["tier"]) == ("failed", "default", "standard")
    assert (shown["owner"], shown["correlation_id"]) == ("alice", "order 7 <b>")
    assert shown["input"] == {}
    assert "Traceback" in shown["traceback"]
    assert shown["history"][-1]["event"] == "failed"
    assert shown["letter"]
    client_sees = (await alice.get(f"/v1/jobs/{token}")).json()
    assert not {"traceback", "error", "owner", "history"} & client_sees.keys()


async def test_what_a_page_must_not_take_for_its_own_passes_through_as_data(
    alice: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    submitted = await alice.post(
        "/v1/jobs", json={"kind": "echo", "input": {"text": NASTY}, "delay": 600}, headers={"prefer": ""}
    )
    token = submitted.json()["token"]
    answer = await admin.get(f"/v1/admin/jobs/{token}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    shown = answer.json()
    assert shown["input"] == {"text": NASTY}
    assert (shown["status"], shown["due"] > shown["milestones"]["submitted"]) == ("scheduled", True)
    assert (await admin.post(f"/v1/admin/jobs/{token}/cancel")).status_code == 202
    assert (await admin.get(f"/v1/admin/jobs/{token}")).json()["status"] == "cancelled"
    assert (await admin.post(f"/v1/admin/jobs/{token}/cancel")).status_code == 409


async def test_a_breaker_that_is_not_known_cannot_be_held(admin: httpx.AsyncClient) -> None:
    answer = await admin.post("/v1/admin/breakers/none", json={"state": "open"})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (404, "unknown_name", "/name")
    answer = await admin.post("/v1/admin/breakers/none", json={"state": "ajar"})
    assert (answer.status_code, answer.json()["field"]) == (400, "/state")
