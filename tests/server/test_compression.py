"""Pages, documents and lists come compressed to clients that take it, and say the same; events and jobs never do."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from support.system import System, system_fixture
from support.timeouts import scaled
from tidings_server.web.compression import accepts_gzip

FILES = ["/", "/console", "/static/page.css", "/static/console/main.js", "/static/tidings.js"]
DOCUMENTS = ["/openapi.json", "/asyncapi.json", "/v1/kinds", "/v1/admin/series"]


system = system_fixture()


@pytest.fixture
async def http(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.server.url, timeout=scaled(30)) as client:
        yield client


async def raw(http: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """Return an answer and its bytes as they came."""
    sent = {"accept-encoding": "identity", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with http.stream("GET", path, headers=sent) as answer:
        return answer, b"".join([chunk async for chunk in answer.aiter_raw()])


@pytest.mark.parametrize("path", [*FILES, *DOCUMENTS])
async def test_it_is_smaller_and_says_the_same(http: httpx.AsyncClient, path: str) -> None:
    plain, whole = await raw(http, path)
    packed, less = await raw(http, path, accept_encoding="br;q=1, gzip;q=0.8")
    assert (plain.status_code, packed.status_code) == (200, 200)
    again, same = await raw(http, path)
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in again.headers
    assert "accept-encoding" in plain.headers["vary"].lower()
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) == len(less) < len(whole)
    assert packed.headers["content-type"] == plain.headers["content-type"]
    assert packed.headers.get("content-security-policy") == plain.headers.get("content-security-policy")
    if path != "/v1/admin/series":  # which goes on
        assert gzip.decompress(less) == same == whole


@pytest.mark.parametrize("path", FILES)
async def test_each_form_of_a_file_has_a_tag_of_its_own(http: httpx.AsyncClient, path: str) -> None:
    tags = {}
    for coding in ("identity", "gzip"):
        first, _ = await raw(http, path, accept_encoding=coding)
        tags[coding] = first.headers["etag"]
        again, body = await raw(http, path, accept_encoding=coding, if_none_match=first.headers["etag"])
        assert (again.status_code, body, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert "accept-encoding" in again.headers["vary"].lower()
    assert tags["identity"] != tags["gzip"]
    other, _ = await raw(http, path, accept_encoding="gzip", if_none_match=tags["identity"])
    assert other.status_code == 200


async def test_a_part_of_a_file_and_the_head_of_one_are_as_they_were(http: httpx.AsyncClient) -> None:
    part, body = await raw(http, "/static/page.css", accept_encoding="gzip", range="bytes=0-9")
    assert (part.status_code, len(body), part.headers.get("content-encoding")) == (206, 10, None)
    head = await http.head("/static/page.css", headers={"accept-encoding": "gzip"})
    assert (head.status_code, head.headers["content-encoding"], head.content) == (200, "gzip", b"")


async def test_what_is_small_a_job_and_its_events_come_as_they_are(http: httpx.AsyncClient) -> None:
    ack = await http.post(
        "/v1/jobs", json={"kind": "echo", "input": {"text": "x" * 5_000}}, headers={"prefer": "wait=20"}
    )
    token = ack.json()["token"]
    for path in (
        f"/v1/jobs/{token}",
        f"/v1/jobs/{token}/events",
        "/healthz",
        "/static/none.js",
        "/static/client/deferred.js",
    ):
        answer, _ = await raw(http, path, accept_encoding="gzip")
        assert "content-encoding" not in answer.headers, path


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True), ("GZIP", True), ("deflate, gzip;q=1.0", True), ("*", True), ("x-gzip", True),
        ("br, gzip ; q=0.5", True),
        ("", False), ("br", False), ("gzip;q=0", False), ("*;q=0", False), ("gzip;q=0, *", False),
        ("gzip;q=oops", False),
        ("gzip;q=0.000", False), ("identity", False),
    ],
)  # fmt: skip
def test_what_a_client_accepts_is_read_as_it_is_meant(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
