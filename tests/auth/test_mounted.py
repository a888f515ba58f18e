"""Authentication inside another application, under an ASGI server that is not ours."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from auth.test_socket import closed
from support.credential import JWT_SERVER, bearer, token
from support.peer import peer
from support.store import free_port
from support.system import running_system
from tidings.contract import close


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    script = str(Path(__file__).parents[1] / "support/mounted.py")
    with running_system(servers=0) as system:
        environ = {**os.environ, **JWT_SERVER, "TIDINGS_STORE_URL": system.store.url, "TIDINGS_AUTH_WITHIN_S": "3"}
        with subprocess.Popen([sys.executable, script, str(port), "wsproto"], env=environ) as process:
            try:
                give_up = time.monotonic() + 20
                while not serves(url):
                    assert process.poll() is None
                    assert time.monotonic() < give_up
                    time.sleep(0.05)
                yield url
            finally:
                process.terminate()


def serves(url: str) -> bool:
    try:
        return "echo" in httpx.get(url + "/tidings/v1/kinds", headers=bearer(token()), timeout=5).text
    except httpx.TransportError:
        return False


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
            assert (await closed(client))[0] == close.UNAUTHENTICATED
