"""The demo that asks nobody: for programs and pages of this machine alone."""

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from support.credential import JWT_SERVER, token
from support.peer import peer
from support.system import System, system_fixture

system = system_fixture()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8700", "localhost", "localhost:1", "app.localhost", "[::1]:9"]
)
def test_it_answers_under_the_names_of_loopback(system: System, host: str) -> None:
    assert httpx.get(system.server.url + "/v1/kinds", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[", ""],
)
def test_a_name_made_to_point_here_is_refused_though_origin_and_host_agree(system: System, host: str) -> None:
    headers = {"host": host, "origin": f"http://{host}"}
    for path in ("/", "/v1/kinds", "/healthz"):
        assert httpx.get(system.server.url + path, headers=headers).status_code == 403
    refused = httpx.post(system.server.url + "/v1/jobs", json={"kind": "noop", "input": {}}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_nor_does_a_socket_open_under_such_a_name(system: System) -> None:
    url = f"ws://evil.example:{system.server.port}/v1/socket"
    with pytest.raises(InvalidStatus) as denied:
        async with peer(url, host="127.0.0.1", port=system.server.port):
            raise AssertionError(url)
    assert denied.value.response.status_code == 403


def test_a_page_of_elsewhere_cannot_submit_though_it_needs_no_preflight(system: System) -> None:
    headers = {"origin": "https://evil.example", "content-type": "text/plain"}
    refused = httpx.post(system.server.url + "/v1/jobs", content='{"kind":"noop","input":{}}', headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_a_server_that_asks_answers_under_any_name_and_so_does_one_that_was_told_twice(system: System) -> None:
    asking = system.add_server(token("test"), **JWT_SERVER)
    assert httpx.get(asking.url + "/healthz", headers={"host": "app.example"}).status_code == 200
    public = system.add_server(TIDINGS_ALLOW_PUBLIC_WITHOUT_AUTH="true")
    assert httpx.get(public.url + "/v1/kinds", headers={"host": "app.example"}).status_code == 200


async def test_where_no_credential_is_asked_for_every_client_has_authenticated(system: System) -> None:
    async with peer(f"{system.server.socket_url}?ticket=x", additional_headers={"authorization": "Bearer x"}) as client:
        assert client.hello["authenticated"] is True
        refused = await client.ask("auth", credential="x")
        assert refused["problem"]["code"] == "invalid_frame"
    answer = httpx.post(system.server.url + "/v1/tickets")
    assert answer.status_code == 201
