"""The server inside another application, under an ASGI server that knows nothing of it."""

from collections.abc import Iterator

import httpx
import pytest

from support.applications.mount import running_mounted
from support.peer import peer
from support.system import System, system_fixture
from support.timeouts import scaled
from tidings import Client

system = system_fixture(servers=0)


@pytest.fixture(params=["websockets-sansio", "wsproto"])
def url(system: System, request: pytest.FixtureRequest) -> Iterator[str]:
    with running_mounted(system.store.url, request.param) as url:
        yield url


async def test_it_works_under_a_path_beside_the_application_s_own_pages(url: str) -> None:
    assert httpx.get(url + "/").text == "mine"
    assert httpx.get(url + "/tidings/").status_code == 200
    assert httpx.get(url + "/tidings/static/tidings.js").status_code == 200
    async with peer(url.replace("http", "ws") + "/tidings/v1/socket") as client:
        assert (await client.run("echo", {"text": "a"}))[-1]["data"] == {"result": "a"}
        assert client.early == []
    async with Client(url + "/tidings") as client_:
        assert await (await client_.submit("echo", text="b")).result(timeout=scaled(10)) == "b"
    answer = httpx.post(url + "/tidings/v1/jobs", json={"kind": "echo", "input": {"text": "c"}})
    assert answer.headers["location"].startswith("/tidings/v1/jobs/")
    assert httpx.get(url + answer.headers["location"], headers={"prefer": "wait=5"}).status_code == 200


def test_events_come_by_the_ordinary_way_of_asgi(url: str) -> None:
    token = httpx.post(url + "/tidings/v1/jobs", json={"kind": "count", "input": {"chunks": 3}}).json()["token"]
    answer = httpx.get(f"{url}/tidings/v1/jobs/{token}/events", timeout=scaled(20))
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.startswith("retry: ")
    assert answer.text.count("event: log\n") == 3
    assert answer.text.rstrip().rpartition("\n\n")[2].count("event: succeeded") == 1
