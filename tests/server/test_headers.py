"""The headers that keep browsers safe, and what a refusal gives back of what was sent."""

import json
from collections.abc import Iterator

import httpx
import pytest

from support.system import System, system_fixture
from support.timeouts import scaled

LONG = "<script>alert(1)</script>" * 300
"""7,500 characters that a browser would run, were they given back as HTML."""

MOST_QUOTED = 1_000
"""Bytes of a problem document, all in all."""


system = system_fixture()


@pytest.fixture
def http(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=system.server.url, timeout=scaled(20)) as http:
        yield http


@pytest.mark.parametrize("path", ["/", "/static/tidings.js", "/static/page.css", "/static/none.js"])
def test_the_page_and_its_files_may_do_what_they_need_and_no_more(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    if path != "/static/none.js":
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/kinds"),
        ("GET", "/v1/jobs/x"),
        ("GET", "/v1/jobs/x/events"),
        ("GET", "/v1/events"),
        ("POST", "/v1/jobs"),
        ("PUT", "/v1/jobs"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/asyncapi.json"),
        ("GET", "/nothing"),
    ],
)
def test_answers_of_the_service_are_neither_kept_nor_taken_for_something_else(
    http: httpx.Client, method: str, path: str
) -> None:
    headers = http.request(method, path).headers
    assert headers["cache-control"].startswith("no-store")
    assert headers["x-content-type-options"] == "nosniff"
    assert "html" not in headers["content-type"]


def test_the_answers_of_a_job_s_whole_life_are_not_kept(http: httpx.Client) -> None:
    answer = http.post("/v1/jobs", json={"kind": "noop", "input": {}}, headers={"prefer": "wait=10"})
    token = answer.json()["token"]
    with http.stream("GET", f"/v1/jobs/{token}/events") as stream:
        assert stream.headers["cache-control"] == "no-store, no-transform"
        assert stream.headers["x-content-type-options"] == "nosniff"
        stream.read()
    etag = answer.headers["etag"]
    for other in (
        answer,
        http.get(f"/v1/jobs/{token}", headers={"if-none-match": etag}),
        http.get(f"/v1/jobs/{token}/events", headers={"last-event-id": etag.strip('"')}),
        http.delete(f"/v1/jobs/{token}"),
    ):
        assert other.headers["cache-control"] == "no-store"
        assert other.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        (f"/{LONG}", None, {}),
        (f"/v1/jobs/{LONG}", None, {}),
        (f"/v1/jobs/{LONG}/events", None, {}),
        (f"/v1/events?token={LONG}", None, {}),
        (f"/v1/events?token=x&after={LONG}", None, {}),
        (f"/v1/jobs/x/events?after={LONG}", None, {}),
        ("/v1/jobs/x", None, {"if-none-match": LONG}),
        ("/v1/jobs/x/events", None, {"last-event-id": LONG}),
        ("/v1/jobs", LONG, {}),
        ("/v1/jobs", json.dumps({"kind": LONG, "input": {}}), {}),
        ("/v1/jobs", json.dumps({"kind": "echo", "input": {"text": 1, LONG: 1}}), {}),
        ("/v1/jobs", json.dumps({"kind": "echo", "input": {"text": [LONG]}}), {}),
        ("/v1/jobs", json.dumps({"kind": "reject", "input": {"why": LONG}}), {}),
        ("/v1/jobs", json.dumps({"kind": "echo", "input": LONG}), {}),
        ("/v1/jobs", json.dumps({"kind": "echo", "input": {}, "queue": LONG}), {}),
        ("/v1/jobs", json.dumps({"kind": "echo", "input": {}, "at": LONG}), {}),
        ("/v1/jobs", json.dumps({"kind": "echo", "input": {"text": "x"}}), {"idempotency-key": LONG}),
    ],
)
def test_a_refusal_quotes_little_of_what_was_sent_and_never_as_html(
    http: httpx.Client, path: str, body: str | None, headers: dict[str, str]
) -> None:
    answer = http.request("GET" if body is None else "POST", path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < MOST_QUOTED
    assert answer.json()["status"] == answer.status_code


def test_of_many_things_wrong_some_are_told(http: httpx.Client) -> None:
    job = {"kind": "echo", "input": {f"field{number}": 1 for number in range(5_000)}}
    problem = http.post("/v1/jobs", json=job).json()
    assert 1 < len(problem["errors"]) <= 20
