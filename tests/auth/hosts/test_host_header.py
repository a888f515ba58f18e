"""What a request calls the server is nowhere told back: a stranger can have a cache or a browser send it."""

import httpx
import pytest

from support.credential import bearer, token
from support.system import System

TARGETS = [
    "/v1/jobs/", "/v1/kinds/", "/v1/jobs/batch/", "/v1/tickets/", "/v1/socket/", "/v1/admin/audit/", "/healthz/",
    "/console", "/console/", "/metrics/", "/static", "/static/", "/static/client", "/openapi.json", "/openapi.json/",
    "/", "//", "/asyncapi.json", "/no/such/page/",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("target", TARGETS)
def test_no_answer_repeats_the_host_of_its_request(system: System, method: str, target: str) -> None:
    headers = {
        "host": "evil.example", "x-forwarded-host": "evil.example", "forwarded": "host=evil.example",
        "x-forwarded-proto": "evil", "x-original-url": "/evil.example", **bearer(token()),
    }  # fmt: skip
    answer = httpx.request(method, system.server.url + target, headers=headers, json={}, follow_redirects=False)
    location = answer.headers.get("location", "")
    assert "evil" not in str(answer.headers) + answer.text
    assert "://" not in location
    assert not location.startswith("//")


def test_a_slash_too_many_is_no_other_page(system: System) -> None:
    answer = httpx.post(system.server.url + "/v1/jobs/", json={"kind": "noop"}, headers=bearer(token()))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    answer = httpx.get(system.server.url + "/console/", follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/console")
