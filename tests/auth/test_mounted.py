"""Authentication inside another application, under an ASGI server that is not ours."""

from collections.abc import Iterator

import httpx
import pytest

from auth.test_socket import closed
from support.applications.mount import running_mounted
from support.credential import JWT_SERVER, bearer, token
from support.peer import peer
from support.system import running_system
from tidings.protocol.frames import close_codes


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with (
        running_system(servers=0) as system,
        running_mounted(system.store.url, "wsproto", bearer(token()), **JWT_SERVER, TIDINGS_AUTH_WITHIN_S="3") as url,
    ):
        yield url


async def test_it_asks_there_too(url: str) -> None:
    assert httpx.get(url + "/").text == "mine"
    assert httpx.get(url + "/tidings/v1/kinds").status_code == 401
    ticket = httpx.post(url + "/tidings/v1/tickets", headers=bearer(token())).json()["ticket"]
    socket = url.replace("http", "ws") + "/tidings/v1/socket"
    async with peer(f"{socket}?ticket={ticket}") as client:
        assert (await client.run("echo", {"text": "a"}))[-1]["data"] == {"result": "a"}
    async with peer(socket) as client:
        assert (await client.ask("auth", credential=token()))["type"] == "done"
        assert (await client.run("echo", {"text": "a"}))[-1]["data"] == {"result": "a"}
    for presented in (bearer("x"), {}):
        async with peer(socket, additional_headers=presented) as client:
            assert (await closed(client))[0] == close_codes.UNAUTHENTICATED
