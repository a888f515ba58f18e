"""HTTP: who gets in, what each scope opens, and what a page of elsewhere may."""

import functools
import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from support.credential import JWT_SERVER, bearer, token
from support.system import System
from support.timeouts import scaled

UNKNOWN = "default." + "a" * 22

ROUTES = {
    "POST /v1/jobs": "submit",
    "POST /v1/jobs/batch": "submit",
    "GET /v1/jobs": "watch",
    f"GET /v1/jobs/{UNKNOWN}": "watch",
    f"DELETE /v1/jobs/{UNKNOWN}": "cancel",
    f"POST /v1/jobs/{UNKNOWN}/signals/approved": "submit",
    f"GET /v1/jobs/{UNKNOWN}/events": "watch",
    f"GET /v1/jobs/{UNKNOWN}/streams/approved": "watch",
    f"GET /v1/events?token={UNKNOWN}": "watch",
    "GET /v1/feed?format=none": "feed",
    "GET /v1/kinds": "",
    "POST /v1/tickets": "",
    f"GET /v1/jobs/{UNKNOWN}/deliveries": "watch",
    "POST /v1/grants": "watch",
    "POST /mcp": "",
    "POST /v1/chat/absent": "submit",
    "GET /v1/chat/absent/chat-1/stream": "watch",
    "POST /v1/chat/absent/chat-1/stop": "cancel",
}
"""Every route that is not open, with the scope it needs."""

NAMED = {UNKNOWN: "{token}", "approved": "{name}", "absent": "{kind}", "chat-1": "{chat}"}
"""Parts of these paths, and what stands for them in the document."""

OPEN = ["/", "/static/tidings.js", "/openapi.json", "/asyncapi.json", "/healthz", "/readyz", "/metrics"]
OPEN += ["/v1/schemas", "/v1/schemas/Submission"]

SCOPES = ["", "submit", "watch", "cancel", "feed", "admin"]


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(15)) as http:
        yield http


async def ask(http: httpx.AsyncClient, route: str, headers: dict[str, str]) -> httpx.Response:
    method, path = route.split(" ")
    job = {"kind": "noop", "input": {}}
    question = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "a"}]}
    bodies = {
        "POST /v1/jobs": job,
        "POST /v1/jobs/batch": [job],
        "POST /v1/grants": {"token": UNKNOWN},
        "POST /mcp": {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        "POST /v1/chat/absent": {"id": "chat-1", "messages": [question]},
    }
    body: Any = bodies.get(route)
    return await http.request(method, path, json=body, headers=headers)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer x", "Basic YTpi", token(), f"Bearer {token(exp=1)}", "Bearer é"],
    ids=["none", "empty", "bare", "wrong", "basic", "no-scheme", "expired", "latin-1"],
)
async def test_no_unknown_client_gets_in(http: httpx.AsyncClient, route: str, authorization: str | None) -> None:
    headers: dict[bytes, bytes] = {}
    if authorization is not None:
        headers[b"authorization"] = authorization.encode("latin-1")
    method, path = route.split(" ")
    answer = await http.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", OPEN)
async def test_what_tells_nothing_of_anybody_is_open(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 200


async def test_every_other_route_is_guarded(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    described = {
        f"{method.upper()} {path}"
        for path, of in paths.items()
        for method in of.keys() - {"parameters"}
        if of[method]["security"]
    }
    mine = {route for route in described if "/v1/admin/" not in route}  # the rest: console/test_scope.py
    assert mine == {
        functools.reduce(lambda path, named: path.replace(*named), NAMED.items(), route).partition("?")[0]
        for route in ROUTES
    }


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("route", ROUTES)
async def test_each_scope_opens_its_own_routes(http: httpx.AsyncClient, route: str, scope: str) -> None:
    given = f"{scope} watch" if "/v1/chat/" in route else scope  # in a chat one sees what one does
    answer = await ask(http, route, bearer(token(scope=given)))
    if ROUTES[route] in ("", *given.split()) or scope == "admin":
        assert answer.status_code in (200, 201, 202, 204, 400 if "/v1/feed" in route else 404, 404)
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert repr(ROUTES[route]) in answer.json()["detail"]


async def test_to_wait_for_the_outcome_wants_the_scope_watch(http: httpx.AsyncClient) -> None:
    body = {"kind": "noop", "input": {}}
    headers = {"prefer": "wait=10"}
    answer = await http.post("/v1/jobs", json=body, headers=headers | bearer(token(scope="submit")))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    answer = await http.post("/v1/jobs", json=body, headers=headers | bearer(token(scope="submit watch")))
    assert answer.json()["status"] == "succeeded"


async def test_the_claim_kinds_restricts_what_is_submitted_and_what_is_listed(http: httpx.AsyncClient) -> None:
    headers = bearer(token(kinds=["echo"]))
    refused = await http.post("/v1/jobs", json={"kind": "noop", "input": {}}, headers=headers)
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (403, "forbidden", "/kind")
    assert "'noop'" in refused.json()["detail"]
    unknown = await http.post("/v1/jobs", json={"kind": "no_such", "input": {}}, headers=headers)
    assert unknown.status_code == 403
    taken = await http.post("/v1/jobs", json={"kind": "echo", "input": {"text": "a"}}, headers=headers)
    assert taken.status_code == 202
    assert [kind["kind"] for kind in (await http.get("/v1/kinds", headers=headers)).json()["kinds"]] == ["echo"]
    for kinds in (list[str](), ""):
        assert (await http.get("/v1/kinds", headers=bearer(token(kinds=kinds)))).json() == {"kinds": []}


async def test_a_credential_in_the_url_is_no_credential(http: httpx.AsyncClient) -> None:
    for name in ("ticket", "access_token", "token"):
        answer = await http.get("/v1/kinds", params={name: token()})
        assert answer.status_code == 401
    answer = await http.get(f"/v1/jobs/{UNKNOWN}/events", params={"ticket": token()})
    assert answer.status_code == 401


async def test_a_page_of_elsewhere_is_refused_whatever_it_holds(http: httpx.AsyncClient) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        for route in ROUTES:
            answer = await ask(http, route, bearer(token()) | {"origin": origin})
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    own = str(http.base_url).rstrip("/")
    assert (await ask(http, "GET /v1/kinds", bearer(token()) | {"origin": own})).status_code == 200


async def test_a_page_that_is_allowed_may_send_its_credential(system: System) -> None:
    server = system.add_server(token("test"), **JWT_SERVER, TIDINGS_ALLOWED_ORIGINS="https://app.example")
    async with httpx.AsyncClient(base_url=server.url, timeout=scaled(15)) as http:
        asked = {
            "origin": "https://app.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,traceparent,tracestate",
        }
        preflight = await http.options("/v1/jobs", headers=asked)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == "https://app.example"
        answer = await ask(http, "POST /v1/jobs", bearer(token()) | {"origin": "https://app.example"})
        assert answer.status_code == 202
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        refused = await ask(http, "POST /v1/jobs", {"origin": "https://app.example"})
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "https://app.example"
        stranger = await http.options("/v1/jobs", headers=asked | {"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers


async def test_a_stream_ends_when_its_credential_does(system: System, http: httpx.AsyncClient, tmp_path: Any) -> None:
    server = system.add_server(token("test"), **JWT_SERVER, TIDINGS_SSE_HEARTBEAT_S="0.1")
    body = {"kind": "wait_for_file", "input": {"path": str(tmp_path / "go")}}
    place = (await http.post("/v1/jobs", json=body, headers=bearer(token()))).headers["location"]
    end = int(time.time()) + 2
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=scaled(15)) as other,
        other.stream("GET", place + "/events", headers=bearer(token(exp=end))) as answer,
    ):
        with anyio.fail_after(scaled(20)):
            text = "".join([part async for part in answer.aiter_text()])
    assert "event: snapshot" in text
    assert "event: succeeded" not in text
    assert time.time() >= end
    await http.delete(place, headers=bearer(token()))
