"""A server that takes an issuer's tokens: with the issuer there, away at the start, and with another key."""

import json
import signal
from collections.abc import Iterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from auth.issuer import Issuer, running_issuer
from auth.test_socket import closed
from support.credential import ED25519, JWT_SERVER, RSA, bearer, jwk, pem, token
from support.peer import peer
from support.system import ServerProcess, System, system_fixture
from support.timeouts import scaled
from support.waiting import until
from tidings.protocol.frames import close_codes
from tidings.protocol.frames.messages import SUBPROTOCOL


def good() -> str:
    return token(key=RSA, algorithm="RS256", headers={"kid": "one"})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as issuer:
        issuer.keys = [jwk(RSA, "one")]
        yield issuer


system = system_fixture(servers=0)


def environment(issuer: Issuer) -> dict[str, str]:
    return {
        "TIDINGS_AUTH": "jwt",
        "TIDINGS_JWT_JWKS_URL": issuer.url,
        "TIDINGS_JWT_ISSUER": "https://issuer.example",
        "TIDINGS_JWT_AUDIENCE": "tidings",
    }


async def test_its_tokens_are_taken_over_every_way_in(system: System, issuer: Issuer) -> None:
    server = system.add_server(good(), **environment(issuer))
    assert server.get("/v1/kinds")[0] == 200
    async with peer(server.socket_url) as client:
        assert (await client.ask("auth", credential=good()))["type"] == "done"
        assert (await client.run("echo", {"text": "a"}))[-1]["data"] == {"result": "a"}
    async with peer(server.socket_url, additional_headers=bearer(good())) as client:
        assert client.hello["authenticated"] is True
    for stranger in (token(key=ED25519, algorithm="EdDSA", headers={"kid": "one"}), token(headers={"kid": "one"})):
        async with peer(server.socket_url) as client:
            await client.send("auth", credential=stranger)
            assert (await closed(client))[0] == close_codes.UNAUTHENTICATED
    assert issuer.asked == 1
    issuer.stop()
    assert server.get("/v1/kinds")[0] == 200
    fetched = next(json.loads(line) for line in server.text().splitlines() if '"jwks_fetched"' in line)
    assert fetched["algorithms"] == ["RS256"]


def test_a_bare_public_key_verifies_as_its_type_says_and_a_token_signed_with_its_text_is_refused(
    system: System,
) -> None:
    text = "".join(pem(RSA).split("\n")[1:-2])
    environ = JWT_SERVER | {"TIDINGS_JWT_KEY": text}
    server = system.add_server(token(key=RSA, algorithm="RS256"), **environ)
    assert server.get("/v1/kinds")[0] == 200
    forged = httpx.get(server.url + "/v1/kinds", headers=bearer(token(key=text)))
    assert forged.status_code == 401
    told = next(json.loads(line) for line in server.text().splitlines() if '"jwt_key"' in line)
    assert (told["algorithm"], told["key"], told["source"]) == ("RS256", "public key", "TIDINGS_JWT_KEY")
    assert text not in server.text()


def listening(server: ServerProcess) -> None:
    """Return when the server answers at all."""
    until(lambda: server.get("/readyz")[0] != 0, server.text, process=server.process)


async def test_while_its_keys_have_never_come_no_client_hears_that_its_credential_is_wrong(
    system: System, issuer: Issuer
) -> None:
    issuer.stop()
    server = ServerProcess(system.store.url, **environment(issuer))
    system.servers.append(server)
    listening(server)
    assert server.get("/readyz")[0] == 503
    answer = httpx.get(server.url + "/v1/kinds", headers=bearer(good()))
    assert (answer.status_code, answer.json()["code"]) == (503, "auth_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    async with peer(server.socket_url) as client:
        await client.send("auth", credential=good())
        code, (error,) = await closed(client)
        assert (code, error["problem"]["code"]) == (close_codes.DRAINING, "auth_unavailable")
    assert "jwks_not_fetched" in server.text()


async def test_clients_that_leave_while_their_credentials_are_checked_leave_nothing_behind(
    system: System, issuer: Issuer
) -> None:
    issuer.delay_s = 2
    server = ServerProcess(system.store.url, **environment(issuer))
    system.servers.append(server)
    listening(server)
    for _ in range(10):
        async with peer(server.socket_url) as client:
            await client.send("auth", credential=good())
        async with connect(
            server.socket_url, subprotocols=[Subprotocol(SUBPROTOCOL)], additional_headers=bearer(good())
        ):
            pass  # accepted, and gone before anybody knows who it was
    assert server.get("/readyz")[0] == 503
    async with httpx.AsyncClient(base_url=server.url, timeout=scaled(15)) as http:
        for _ in range(2):
            assert (await http.get("/v1/kinds", headers=bearer(good()))).status_code == 200
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    drained = next(json.loads(line) for line in server.text().splitlines() if '"draining"' in line)
    assert drained["sockets"] == 0
    assert "Traceback" not in server.text()
