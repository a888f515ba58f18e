"""The login of the application around the server: its cookies work on every transport, with the checks they need."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from auth.test_socket import closed
from e2e.streams.test_stream import stream
from grants.people import told, waiting_job
from support.applications.mount import running_mounted
from support.peer import peer
from support.system import System
from support.timeouts import scaled
from tidings.protocol.frames import close_codes
from tidings.settings.settings import SettingsError
from tidings_server import create_app
from tidings_server.auth.identity import Identity
from tidings_server.settings import ServerSettings

FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def url(system: System) -> Iterator[str]:
    with running_mounted(
        system.store.url, "websockets", {"cookie": "user=test"}, TIDINGS_X_LOGIN="1", TIDINGS_ALLOWED_ORIGINS=FRIEND
    ) as url:
        yield url + "/tidings"


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=scaled(15)) as http:
        yield http


def socket_url(url: str) -> str:
    return url.replace("http", "ws") + "/v1/socket"


def cookie(user: str) -> dict[str, str]:
    return {"cookie": f"user={user}"}


async def test_a_session_is_enough_on_every_transport_and_opens_what_is_the_user_s(
    url: str, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    async with peer(socket_url(url), additional_headers=cookie("alice")) as alice:
        assert alice.hello["authenticated"] is True
        job = (await waiting_job(alice, tmp_path / "go"))["token"]
        assert (await http.get(f"/v1/jobs/{job}", headers=cookie("alice"))).status_code == 200
        for stranger, status in ((cookie("bob"), 404), ({}, 401)):
            for path in (f"/v1/jobs/{job}", f"/v1/jobs/{job}/events"):
                assert (await http.get(path, headers=stranger)).status_code == status
        async with peer(socket_url(url), additional_headers=cookie("bob")) as bob:
            assert told(await bob.ask("watch", token=job)) == ("unknown_token", "/token")
        async with stream(http, f"/v1/jobs/{job}/events", **cookie("alice")) as events:
            (tmp_path / "go").touch()
            assert [event.name async for event in events][-1] == "succeeded"
        poll = cookie("alice") | {"prefer": "wait=5", "if-none-match": '"1"'}
        assert (await http.get(f"/v1/jobs/{job}", headers=poll)).json()["status"] == "succeeded"


async def test_without_a_session_a_client_says_otherwise_who_it_is(url: str, http: httpx.AsyncClient) -> None:
    posted = await http.post(
        "/v1/jobs", json={"kind": "echo", "input": {"text": "a"}, "grant": True}, headers=cookie("alice")
    )
    by = posted.json()["grant"]["grant"]
    job = posted.json()["token"]
    assert (await http.get(f"/v1/jobs/{job}", headers={"authorization": f"Bearer {by}"})).status_code == 200
    refused = await http.get(f"/v1/jobs/{job}", headers=cookie("alice") | {"authorization": "Bearer tdk_x"})
    assert refused.status_code == 401, "what a client presents counts, not the cookie beside it"
    async with peer(socket_url(url)) as page:
        assert page.hello["authenticated"] is False
        assert (await page.ask("auth", credential=by))["type"] == "done"
        assert (await page.ask("watch", token=job))["type"] == "snapshot"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": FRIEND, "sec-fetch-site": "cross-site"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
    ],
)
async def test_a_page_elsewhere_may_not_use_the_session(
    http: httpx.AsyncClient, headers: dict[str, str], allowed: bool
) -> None:
    for method, path in (("GET", "/v1/kinds"), ("POST", "/v1/tickets")):
        answer = await http.request(method, path, headers=cookie("alice") | headers)
        assert answer.is_success == allowed
        assert allowed or answer.json()["code"] == "forbidden"


async def test_a_page_elsewhere_may_not_open_a_socket_with_the_session(url: str) -> None:
    async with peer(socket_url(url), additional_headers=cookie("alice"), origin=FRIEND) as page:
        assert page.hello["authenticated"] is True
    with pytest.raises(Exception, match=r"4403|403"):
        async with peer(socket_url(url), additional_headers=cookie("alice"), origin="https://evil.example"):
            pytest.fail("it opened")


async def test_an_allowed_origin_may_send_the_cookie(http: httpx.AsyncClient) -> None:
    asked = {"origin": FRIEND, "access-control-request-method": "GET"}
    answer = await http.options("/v1/kinds", headers=asked)
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-origin"] == FRIEND


async def test_a_session_that_ends_ends_the_socket(url: str) -> None:
    async with peer(socket_url(url), additional_headers=cookie("alice/2")) as alice:
        assert (await closed(alice))[0] == close_codes.UNAUTHENTICATED


@pytest.mark.parametrize("user", ["broken", "nobody"])
async def test_a_login_that_fails_is_no_login_and_tells_nothing(url: str, http: httpx.AsyncClient, user: str) -> None:
    answer = await http.get("/v1/kinds", headers=cookie(user))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "sessions" not in answer.text
    async with peer(socket_url(url), additional_headers=cookie(user)) as client:
        code, frames = await closed(client)
        assert code == close_codes.DRAINING, "another try may succeed"
        assert [told(frame)[0] for frame in frames] == ["internal_error"]


def test_pages_of_every_origin_and_a_login_do_not_go_together() -> None:
    async def who(_: object) -> Identity | None:
        return None

    with pytest.raises(SettingsError, match="name the origins"):
        create_app(ServerSettings(allowed_origins=("*",)), authenticate=who)
